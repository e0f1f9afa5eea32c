// How requests are shared out between the priorities of a cluster, and in each between its healthy
// and its degraded endpoints: Envoy's rule, in whole percent. Pure.
//
// A priority takes what its healthy endpoints can, of which there are a few more than are needed
// (the overprovisioning factor); the rest goes to the next one, then in the same way to degraded
// endpoints. Where all of them together cannot take everything, each gets its part of that, and a
// priority with too few that are available is in panic: all its endpoints get requests.
#pragma once

#include <cstdint>
#include <vector>

#include "source/cluster/endpoint.h"
#include "source/cluster/health.h"

namespace weir::cluster {

struct PriorityMembers {
  Tally endpoints;
  Tally weights;  // the same by weight
};

// Percentages of all requests. In panic they are for every endpoint of the priority.
struct PriorityLoad {
  uint32_t healthy = 0, degraded = 0;
  bool panic = false;
};

// Of priorities in their order; those without endpoints may be left out. The loads add up to 100,
// or to 0 where nobody may have a request. `panic_threshold` is a percentage; 0: no panic.
std::vector<PriorityLoad> shareLoad(const std::vector<PriorityMembers>& priorities,
                                    const PriorityRules& rules, uint32_t panic_threshold);

}  // namespace weir::cluster
