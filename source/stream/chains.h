// Chains are what one list of configured filters becomes: the chain that routes share, and those of
// routes and weighted clusters with configuration of their own for some filter. Built when the
// configuration is loaded; immutable, shared by all workers.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "source/router/route_table.h"
#include "source/stream/chain.h"

namespace weir::stream {

struct FilterDiscovery;

// One filter of a list, before routes have their say.
struct ConfiguredFilter {
  ChainSlot slot;
  bool disabled = false;
  std::shared_ptr<const FilterDiscovery> discovery{};  // null: its configuration stands in its list
};

struct Chains {
  const Chain& of(const router::Route* route) const {
    if (route != nullptr && route->id < by_route.size() && by_route[route->id]) {
      return *by_route[route->id];
    }
    return *shared;
  }
  const Chain& of(const router::WeightedCluster* picked, const Chain& otherwise) const {
    const auto found = by_cluster.find(picked);
    return found == by_cluster.end() ? otherwise : *found->second;
  }

  std::shared_ptr<const Chain> shared;
  std::vector<std::shared_ptr<const Chain>> by_route;  // by route id; null: `shared`
  std::unordered_map<const router::WeightedCluster*, std::shared_ptr<const Chain>> by_cluster;
};

}  // namespace weir::stream
