// A Share is a part of a cluster's requests and the endpoints that it goes to: healthy or degraded
// ones of a priority (in panic all of them), and where localities have weights those of one
// locality.
#pragma once

#include <cstdint>
#include <vector>

#include "source/cluster/cluster_settings.h"
#include "source/cluster/endpoint.h"
#include "source/cluster/round.h"

namespace weir::cluster {

struct Share {
  uint64_t weight = 0;  // against the other shares
  Round round;          // of indices into endpoints.all; empty: these requests are refused
  bool panic = false;
};

// None where nobody may have a request. Usually it is one: everybody is well, or only the first
// priority is. O(endpoints), and O(n log n) where their weights differ.
std::vector<Share> makeShares(const EndpointSet& endpoints, const ClusterSettings& settings);

}  // namespace weir::cluster
