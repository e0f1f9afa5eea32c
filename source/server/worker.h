// A Worker is one thread that serves traffic: a loop, its clusters, its share of every listener.
// Made, started and joined by the server on the main thread; everything else reaches it through
// post().
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "source/access_logs/worker_logs.h"
#include "source/cluster/worker_cluster.h"
#include "source/listener/worker_listeners.h"
#include "source/net/loop.h"
#include "source/overload/actions.h"
#include "source/server/cluster_post.h"
#include "source/server/on_demand.h"
#include "source/stream/services.h"

namespace weir::server {

class Worker {
 public:
  Worker(size_t index, uint64_t seed);
  ~Worker();

  // Clusters that requests wait for are asked for on the main thread. Before start().
  void wantFrom(net::Loop& main, OnDemand on_demand, const StatScope& scope) {
    askOnDemand(clusters_.wanted(), loop_, main, std::move(on_demand), scope);
  }
  // Before start(), on the main thread.
  void start();

  // On the main thread, before start() and after. All that is in `changes` happens in one turn.
  void changeListeners(std::vector<listener::ListenerChange> changes,
                       const listener::Drain& drain = {});
  // Requests that begin from now on follow `plan`.
  void setPlan(std::shared_ptr<stream::Hcm> hcm, std::shared_ptr<const stream::HcmPlan> plan);

  // On the main thread at once before start(); from then on any thread, and it happens when the
  // worker's loop gets to it, in one turn and in the order of the calls. New endpoints of a cluster
  // that has left its slot meanwhile change nothing.
  void changeClusters(const ClusterChanges& changes);

  // Any thread.
  void handOver(listener::HandedSocket socket);
  void setHealthCheckFailed(bool failed);
  // Until the turn that may use it is over.
  void hold(std::shared_ptr<const void> object);
  void setOverload(const overload::Actions& actions);
  std::vector<telemetry::DecisionRecord> decisions(size_t most) const {
    return services_.decisions.newest(most);
  }
  // Tells clients to leave: idle connections close, others after their response. `accept`: new
  // ones may still come. `only_inbound`: listeners whose traffic_direction is INBOUND.
  void drain(bool accept = false, bool only_inbound = false);
  // Brings connections() up to date, soon.
  void countConnections();
  void stop();  // closes what is left, ends the thread
  void join();
  // As of the last countConnections(); before the first, a number that is not 0.
  uint64_t connections() const { return connections_.load(std::memory_order_relaxed); }

 private:
  void apply(const std::vector<ClusterChange>& changes);
  void startBackground(const listener::ListenerPlan& plan);
  void startBackground(const stream::HcmPlan& plan);

  const size_t index_;
  net::Loop loop_;
  cluster::WorkerClusters clusters_;
  stream::Services services_;
  access_logs::WorkerLogs logs_;
  listener::WorkerListeners listeners_;
  std::vector<std::weak_ptr<stream::BackgroundWork>> background_;  // that was started
  std::atomic<uint64_t> connections_{1};
  std::thread thread_;
};

}  // namespace weir::server
