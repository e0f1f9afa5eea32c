// A RouteBuild is what a RouteTable asks while it is built: the dense slots of clusters, and where
// to tell what is wrong. The caller implements it; main thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/runtime.h"
#include "weir/stats.h"

namespace weir::router {

inline constexpr uint32_t kNoCluster = UINT32_MAX;

// What is asked of the clusters that routes name (validate_clusters): nothing; that nothing rules
// them out; that each is there now.
enum class ClusterCheck : uint8_t { None, MayCome, IsThere };

class RouteBuild {
 public:
  virtual ~RouteBuild() = default;

  // kNoCluster: there is none of that name, and there will not be one while the table lives.
  virtual uint32_t clusterSlot(std::string_view name) = 0;
  // Ready or not yet.
  virtual bool isThere(std::string_view name) { return clusterSlot(name) != kNoCluster; }
  // `field_path` is below the RouteConfiguration: "virtual_hosts[0].routes[2].match.prefix".
  virtual void error(std::string field_path, std::string text) = 0;
  virtual void warn(std::string field_path, std::string text) = 0;
  virtual RuntimeKey runtime(std::string_view) { return {}; }
  // What an unset validate_clusters means: true for routes written in a listener, false for RDS.
  virtual bool validatesClusters() const { return false; }

  StatScope stats;
};

}  // namespace weir::router
