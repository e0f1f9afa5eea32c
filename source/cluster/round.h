// A round is the order in which weighted round robin visits endpoints: each as often as its weight
// says, spread evenly over the round (nginx's smooth weighting), computed once per endpoint set.
#pragma once

#include <cstdint>
#include <vector>

#include "source/cluster/endpoint.h"

namespace weir::cluster {

// Weights are reduced by their greatest divisor and scaled so that a round has at most this many
// visits more than there are endpoints.
inline constexpr uint64_t kMaxRound = 4096;

// Indices into endpoints.all of those that take part: of the lowest priority number that has any.
std::vector<uint32_t> firstPriority(const EndpointSet& endpoints);

// The same, each as often as its weight says.
std::vector<uint32_t> makeRound(const EndpointSet& endpoints);

}  // namespace weir::cluster
