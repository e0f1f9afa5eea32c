// A Round is the order in which weighted round robin visits its members: each as often as its
// weight says, spread evenly over the round (nginx's smooth weighting), and the place in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::cluster {

// Weights are reduced by their greatest divisor and scaled so that a round has at most this many
// visits more than there are members.
inline constexpr uint64_t kMaxRound = 4096;

struct Round {
  std::vector<uint32_t> order;
  size_t next = 0;

  // Not of an empty one.
  uint32_t advance() {
    if (++next >= order.size()) next = 0;
    return order[next];
  }
};

// Of members 0, 1, … with these weights, none of them 0.
std::vector<uint32_t> makeOrder(std::span<const uint64_t> weights);

}  // namespace weir::cluster
