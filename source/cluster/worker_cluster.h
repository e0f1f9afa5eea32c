// A WorkerCluster is what one worker has of one version of a cluster: what requests that begin now
// use, to their end. Made at the worker's first request to the cluster, so that idle clusters cost
// a worker nothing. WorkerClusters finds it by slot. Worker thread only.
//
// Life: in its slot -> replaced -> dead, when no request uses it any more. Replaced, it is not
// found: what began with it goes on with it, retries too, on connections of its successor where
// that makes the same ones, else on connections that close after what they carry.
#pragma once

#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "source/cluster/wanted_clusters.h"
#include "source/cluster/worker_pools.h"

namespace weir::cluster {

class WorkerCluster final : public ClusterUses, public net::Deferred {
 public:
  static constexpr size_t kMostNames = WorkerPools::kMostNames;

  // The next endpoint's pool; null when none may have it. `downstream` is what the request came
  // in, `server_name` what the settings' RequestNames made of it, `wanted` what its route wants of
  // the endpoint, or null.
  Pool* choose(uint64_t random, Priority priority = Priority::Default,
               Protocol downstream = Protocol::Http11, std::string_view server_name = {},
               const Criteria* wanted = nullptr) {
    return pools_.choose(random, priority, downstream, server_name, wanted);
  }
  // The next endpoint's connection for other protocols than HTTP; null when there is no endpoint,
  // or none that can be connected to.
  ByteLine* chooseLine(uint64_t random) { return pools_.chooseLine(random); }
  // The next endpoint, for who makes connections of its own; null when there is none.
  EndpointPtr chooseEndpoint(uint64_t random, const Criteria* wanted = nullptr) {
    return pools_.chooseEndpoint(random, wanted);
  }
  // Endpoints that stay keep their connections; those that go finish what they carry.
  void update(EndpointSetPtr endpoints) { pools_.update(std::move(endpoints)); }
  const Cluster& cluster() const { return *cluster_; }
  const ClusterPtr& shared() const { return cluster_; }
  size_t nameCount() const { return pools_.nameCount(); }
  const Tally& members() const { return pools_.members(); }

 private:
  friend class WorkerClusters;

  WorkerCluster(net::Loop& loop, ClusterPtr cluster, WorkerPools& pools)
      : loop_(loop), cluster_(std::move(cluster)), pools_(pools), use_(pools) {}
  void onUnused() override { loop_.destroyLater(this); }

  net::Loop& loop_;
  const ClusterPtr cluster_;
  WorkerPools& pools_;
  const ClusterUse use_;
};

// One worker's clusters by slot, and the names that dynamic routes look up. All but clear() is O(1)
// in their number.
class WorkerClusters {
 public:
  explicit WorkerClusters(net::Loop& loop) : loop_(loop), wanted_(loop) {}
  WorkerClusters(const WorkerClusters&) = delete;
  ~WorkerClusters() { clear(); }

  // Puts a cluster into its slot; the one that stood there retires, also for null. Where the
  // cluster continues it, it gives its connections up to it.
  void set(uint32_t slot, ClusterPtr cluster);
  // New endpoints, unless the cluster has left its slot meanwhile.
  void update(const ClusterPtr& cluster, EndpointSetPtr endpoints);
  // Null: no such cluster. Who keeps it beyond the turn takes a ClusterUse.
  WorkerCluster* find(uint32_t slot, uint64_t random);
  // Of two clusters of one name, the one that was set last.
  uint32_t slotOf(std::string_view name) const;
  // Those that are not there, and that somebody waits for.
  WantedClusters& wanted() { return wanted_; }
  // Connections end now, whatever they carry; no request may be under way.
  void clear();

 private:
  struct Slot {
    ClusterPtr cluster;
    WorkerCluster* worker = nullptr;  // made by find()
    ClusterUse use;                   // of worker
  };
  void empty(Slot& slot);

  net::Loop& loop_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string_view, uint32_t> names_;  // views into the clusters of slots_
  std::unordered_set<WorkerPools*> retired_;
  WantedClusters wanted_;
};

}  // namespace weir::cluster
