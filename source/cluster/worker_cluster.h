// A WorkerCluster is what one worker has of a cluster: its copy of the endpoint set, its place in
// the round, its connection pools. Made at the worker's first request to the cluster, so that idle
// clusters cost a worker nothing. WorkerClusters finds it by slot. Worker thread only.
//
// Life: in its slot -> retired -> dead, when neither a request nor a connection uses it any more.
// Retired, it is not found: what began with it goes on with it, retries too, on connections that
// close after what they carry.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/cluster/cluster_use.h"
#include "source/cluster/pool/byte_line.h"
#include "source/cluster/pool/pool.h"
#include "source/net/loop.h"

namespace weir::cluster {

class WorkerCluster final : public PoolOwner, public net::Deferred {
 public:
  // Clients choose the server names, so no more than these have pools: then others make way.
  static constexpr size_t kMostNames = 1000;

  // The next endpoint's pool; null when there is no endpoint. `downstream` is what the request came
  // in, `server_name` what the settings' RequestNames made of it.
  Pool* choose(uint64_t random, Priority priority = Priority::Default,
               Protocol downstream = Protocol::Http11, std::string_view server_name = {});
  // The next endpoint's connection for other protocols than HTTP; null when there is no endpoint,
  // or none that can be connected to.
  ByteLine* chooseLine(uint64_t random);
  // The next endpoint, for who makes connections of its own; null when there is none.
  EndpointPtr chooseEndpoint(uint64_t random);
  // Endpoints that stay keep their connections; those that go finish what they carry.
  void update(EndpointSetPtr endpoints);
  const Cluster& cluster() const { return *cluster_; }
  const ClusterPtr& shared() const { return cluster_; }
  size_t nameCount() const { return named_.size(); }
  size_t endpointCount() const { return endpoints_->all.size(); }

 private:
  friend class WorkerClusters;
  using Pools = std::vector<std::unique_ptr<Pool>>;
  // By priority, and of HTTP/2 for its own where both versions are spoken; each empty until it is
  // used, then beside endpoints_->all.
  using PoolTable = std::array<Pools, 4>;

  WorkerCluster(net::Loop& loop, ClusterPtr cluster, uint64_t random);
  ~WorkerCluster() override;
  // Stands in `retired` from now on until it dies.
  void retire(std::unordered_set<WorkerCluster*>& retired);
  // Its connections end now.
  void abandon();
  void onUnused() override { loop_.destroyLater(this); }

  uint32_t chooseIndex(uint64_t random);
  HttpVersion versionFor(Protocol downstream) const;
  PoolTable& tableFor(std::string_view server_name);
  void moveTo(const EndpointSet& endpoints, PoolTable& table);
  void setAside(PoolTable& table);
  void drainSetAside();
  uint32_t leastBusy(uint64_t random) const;
  void onPoolEmpty(Pool& pool) override;

  net::Loop& loop_;
  ClusterPtr cluster_;
  EndpointSetPtr endpoints_;
  std::vector<uint32_t>
      round_;  // indices into endpoints_->all, in weighted order; of RANDOM each once
  PoolTable pools_;
  std::map<std::string, PoolTable, std::less<>> named_;
  Pools draining_;
  ByteLines lines_;
  size_t next_ = 0;
  bool retired_ = false;
  std::unordered_set<WorkerCluster*>* among_ = nullptr;  // where it stands while it is retired
};

// One worker's clusters by slot, and the names that dynamic routes look up. All but clear() is O(1)
// in their number.
class WorkerClusters {
 public:
  explicit WorkerClusters(net::Loop& loop) : loop_(loop) {}
  WorkerClusters(const WorkerClusters&) = delete;
  ~WorkerClusters() { clear(); }

  // Puts a cluster into its slot; the one that stood there retires, also for null.
  void set(uint32_t slot, ClusterPtr cluster);
  // New endpoints, unless the cluster has left its slot meanwhile.
  void update(const ClusterPtr& cluster, EndpointSetPtr endpoints);
  // Null: no such cluster. Who keeps it beyond the turn takes a ClusterUse.
  WorkerCluster* find(uint32_t slot, uint64_t random);
  // Of two clusters of one name, the one that was set last.
  uint32_t slotOf(std::string_view name) const;
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
  std::unordered_set<WorkerCluster*> retired_;
};

}  // namespace weir::cluster
