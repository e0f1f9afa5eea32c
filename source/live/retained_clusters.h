// RetainedClusters are those that a control plane has removed while routes in force, or replaced a
// moment ago, still name them: they go on serving with the endpoints that they
// had, until nobody names them any more, another cluster of that name can be used, or kLongest has
// passed. Control planes remove clusters and change routes in whatever order. Owned by Clusters;
// main thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "source/cluster/cluster.h"
#include "source/cluster/named_cluster.h"
#include "source/net/loop.h"
#include "weir/runtime.h"

namespace weir::live {

class RetainedClusters final : private net::TimerUser {
 public:
  // Long enough for a control plane to send the routes that go with the clusters; short enough that
  // addresses which nobody brings up to date any more are not somebody else's.
  static constexpr std::chrono::milliseconds kLongest{10'000};
  // Milliseconds, instead of kLongest; 0: nothing is retained.
  static constexpr std::string_view kRuntimeKey = "weir.removed_cluster_ms";
  using Names = std::weak_ptr<const cluster::NamedCluster>;
  struct Callbacks {
    // Nobody finds it any more.
    std::function<void(uint32_t slot)> drop;
    // Whether a cluster of that name is on its way to take its place.
    std::function<bool(const std::string& name)> is_succeeded;
  };

  RetainedClusters(net::Loop& loop, Gauge gauge, RuntimeKey longest, Callbacks callbacks);

  // Whether it stays: `names` lives.
  bool keep(const cluster::ClusterPtr& cluster, Names names);
  // Another one has its place.
  void replaced(uint32_t slot);
  // Null: none.
  const cluster::Cluster* find(uint32_t slot) const;
  template <typename To>
  void forEach(const To& to) const {
    for (const auto& [slot, one] : all_) to(one.cluster);
  }

 private:
  struct One {
    cluster::ClusterPtr cluster;
    Names names;
    net::SteadyTime deadline;
  };

  void onTimer() override;
  void count();

  net::Loop& loop_;
  const Gauge gauge_;
  const RuntimeKey longest_;
  const Callbacks callbacks_;
  net::Timer timer_;
  std::map<uint32_t, One> all_;  // by slot
};

}  // namespace weir::live
