// WorkerPools are one worker's connections to a cluster: its copy of the endpoint set, its
// Balancer, and a pool for each endpoint and key that was used. Versions of the cluster that go on
// with the same connections (Cluster::continues()) have the same WorkerPools, one after the other;
// each version's WorkerCluster and each connection is a use. Worker thread only.
//
// Life: of the version in the slot -> retired -> dead, with the last use. Retired, connections
// close after what they carry.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "source/cluster/balancer.h"
#include "source/cluster/cluster.h"
#include "source/cluster/cluster_use.h"
#include "source/cluster/pool/byte_line.h"
#include "source/cluster/pool/pool.h"
#include "source/cluster/subsets.h"
#include "source/net/loop.h"

namespace weir::cluster {

class WorkerPools final : public PoolOwner, public net::Deferred {
 public:
  // Clients choose the server names, so no more than these have pools: then others make way.
  static constexpr size_t kMostNames = 1000;

  WorkerPools(net::Loop& loop, ClusterPtr cluster, uint64_t random);
  ~WorkerPools() override;

  // As WorkerCluster's.
  Pool* choose(uint64_t random, Priority priority, Protocol downstream,
               std::string_view server_name, const Criteria* wanted);
  ByteLine* chooseLine(uint64_t random);
  EndpointPtr chooseEndpoint(uint64_t random, const Criteria* wanted);
  void update(EndpointSetPtr endpoints);
  size_t nameCount() const { return named_.size(); }
  const Tally& members() const { return members_; }

  // The version in force from now on, with its endpoints; it continues the one before.
  void setCluster(ClusterPtr cluster);
  // Stands in `retired` from now on until it dies.
  void retire(std::unordered_set<WorkerPools*>& retired);
  // Its connections end now.
  void abandon();

 private:
  using Pools = std::vector<std::unique_ptr<Pool>>;
  // By priority, and of HTTP/2 for its own where both versions are spoken; each empty until it is
  // used, then beside endpoints_->all.
  using PoolTable = std::array<Pools, 4>;

  void onUnused() override { loop_.destroyLater(this); }
  void onPoolEmpty(Pool& pool) override;

  bool chooseIndex(uint64_t random, const Criteria* wanted, uint32_t& index) {
    if (subsets_ == nullptr) return balancer_.choose(random, index);
    return subsets_->choose(wanted, random, index);
  }
  HttpVersion versionFor(Protocol downstream) const;
  PoolTable& tableFor(std::string_view server_name);
  void moveTo(const EndpointSet& endpoints, PoolTable& table);
  void setAside(PoolTable& table);
  void drainSetAside();
  void divide();
  std::vector<Pool*> all() const;

  net::Loop& loop_;
  ClusterPtr cluster_;
  EndpointSetPtr endpoints_;
  const uint64_t random_;  // where rounds begin
  Balancer balancer_;
  std::unique_ptr<Subsets> subsets_;  // null: the cluster has none
  Tally members_;
  PoolTable pools_;
  std::map<std::string, PoolTable, std::less<>> named_;
  Pools draining_;
  ByteLines lines_;
  bool retired_ = false;
  std::unordered_set<WorkerPools*>* among_ = nullptr;  // where it stands while it is retired
};

}  // namespace weir::cluster
