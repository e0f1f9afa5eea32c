#include "source/server/worker.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "source/telemetry/stat_cells.h"
#include "weir/per_worker.h"

namespace weir::server {

Worker::Worker(size_t index, uint64_t seed)
    : index_(index), clusters_(loop_), services_(loop_, clusters_, seed) {}

Worker::~Worker() { join(); }

void Worker::setCluster(uint32_t slot, cluster::ClusterPtr cluster) {
  if (!thread_.joinable()) return clusters_.set(slot, std::move(cluster));
  loop_.post([this, slot, cluster = std::move(cluster)] { clusters_.set(slot, cluster); });
}

// Before there is a thread, nothing was made of a cluster that would have to learn of it.
void Worker::updateEndpoints(cluster::ClusterPtr cluster, cluster::EndpointSetPtr endpoints) {
  if (!thread_.joinable()) return;
  loop_.post([this, cluster = std::move(cluster), endpoints = std::move(endpoints)] {
    clusters_.update(cluster, endpoints);
  });
}

void Worker::addListener(std::shared_ptr<const listener::ListenerPlan> plan,
                         std::vector<net::Fd> sockets, std::shared_ptr<listener::Balance> balance) {
  listeners_.push_back(std::make_unique<listener::WorkerListener>(
      services_, std::move(plan), std::move(sockets), index_, std::move(balance)));
}

void Worker::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("wrk:worker_" + std::to_string(index_)).c_str());
    telemetry::StatThread stats;
    t_worker = static_cast<uint32_t>(index_);
    startBackground();
    loop_.run();
    for (const auto& started : background_) {
      if (const auto work = started.lock()) work->stop();
    }
    listeners_.clear();
    net::Loop::Turn last(loop_);  // what is closed dies on its own thread
    services_.clusters.clear();
  });
}

// One worker does what belongs to no stream.
void Worker::startBackground() {
  if (index_ != 0) return;
  net::Loop::Turn turn(loop_);
  for (const auto& listener : listeners_) {
    const listener::ListenerPlan& plan = listener->plan();
    for (const auto& chain : plan.chains) startBackground(chain);
    if (plan.default_chain != nullptr) startBackground(*plan.default_chain);
  }
}

void Worker::startBackground(const listener::FilterChainPlan& chain) {
  if (chain.hcm != nullptr) startBackground(*chain.hcm->plan());
}

// It goes on until the last plan that has it is gone, with the last stream that needs it.
void Worker::startBackground(const stream::HcmPlan& plan) {
  if (index_ != 0 || plan.background.empty()) return;
  net::Loop::Turn turn(loop_);
  std::erase_if(background_, [](const auto& work) { return work.expired(); });
  for (const auto& work : plan.background) {
    if (work->startOn(services_)) background_.push_back(work);
  }
}

void Worker::setPlan(std::shared_ptr<stream::Hcm> hcm,
                     std::shared_ptr<const stream::HcmPlan> plan) {
  const auto index = static_cast<uint32_t>(index_);
  if (!thread_.joinable()) return hcm->replace(index, plan);
  loop_.post([this, index, hcm = std::move(hcm), plan = std::move(plan)] {
    hcm->replace(index, plan);
    startBackground(*plan);
  });
}

void Worker::handOver(const listener::ListenerPlan* plan, int fd, net::Address remote) {
  loop_.post([this, plan, fd, remote = std::move(remote)] {
    net::Fd owned(fd);
    for (auto& listener : listeners_) {
      if (&listener->plan() == plan) return listener->adopt(std::move(owned), remote);
    }
  });
}

void Worker::setHealthCheckFailed(bool failed) {
  loop_.post([this, failed] { services_.health_check_failed = failed; });
}

void Worker::hold(std::shared_ptr<const void> object) {
  loop_.post([object = std::move(object)] {});
}

void Worker::setOverload(const overload::Actions& actions) {
  loop_.post([this, actions] {
    services_.setOverload(actions);
    for (auto& listener : listeners_) listener->holdBack(actions.stop_accepting);
  });
}

void Worker::drain(bool accept, bool only_inbound) {
  loop_.post([this, accept, only_inbound] {
    if (!only_inbound) services_.drain();
    for (auto& listener : listeners_) {
      if (!only_inbound || listener->plan().inbound) listener->drain(accept);
    }
  });
  countConnections();
}

void Worker::countConnections() {
  loop_.post([this] {
    uint64_t sum = 0;
    for (auto& listener : listeners_) sum += listener->connections();
    connections_.store(sum, std::memory_order_relaxed);
  });
}

void Worker::stop() { loop_.stop(); }

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::server
