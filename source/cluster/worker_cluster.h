// A WorkerCluster is one worker's use of a cluster: its copy of the endpoint set, its place in the
// round, its connection pools. Made at the worker's first request to the cluster, so that idle
// clusters cost a worker nothing. WorkerClusters finds it by slot. Worker thread only.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/cluster/pool/byte_line.h"
#include "source/cluster/pool/pool.h"
#include "source/net/loop.h"

namespace weir::cluster {

class WorkerCluster final : public PoolOwner {
 public:
  // Clients choose the server names, so no more than these have pools: then others make way.
  static constexpr size_t kMostNames = 1000;

  WorkerCluster(net::Loop& loop, ClusterPtr cluster, uint64_t random);
  ~WorkerCluster();

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
  using Pools = std::vector<std::unique_ptr<Pool>>;
  // By priority, and of HTTP/2 for its own where both versions are spoken; each empty until it is
  // used, then beside endpoints_->all.
  using PoolTable = std::array<Pools, 4>;

  uint32_t chooseIndex(uint64_t random);
  HttpVersion versionFor(Protocol downstream) const;
  PoolTable& tableFor(std::string_view server_name);
  void moveTo(const EndpointSet& endpoints, PoolTable& table);
  void retire(PoolTable& table);
  void drainRetired();
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
};

// One worker's clusters by slot, and the names that dynamic routes look up.
class WorkerClusters {
 public:
  explicit WorkerClusters(net::Loop& loop) : loop_(loop) {}

  // The table to look slots up in; clusters that stay keep their pools. Called on the worker.
  void adopt(std::shared_ptr<const std::vector<ClusterPtr>> table);
  // New endpoints for one cluster. Called on the worker.
  void update(uint32_t slot, EndpointSetPtr endpoints);
  // Null: no such cluster.
  WorkerCluster* find(uint32_t slot, uint64_t random);
  uint32_t slotOf(std::string_view name) const;
  void clear() { clusters_.clear(); }

 private:
  net::Loop& loop_;
  std::shared_ptr<const std::vector<ClusterPtr>> table_;
  std::vector<std::unique_ptr<WorkerCluster>> clusters_;
};

}  // namespace weir::cluster
