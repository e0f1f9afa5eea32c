#include "source/cluster/priority_load.h"

#include <algorithm>

namespace weir::cluster {
namespace {

constexpr uint32_t kEverything = 100;

using Part = uint32_t PriorityLoad::*;

// What so many of them can take, in percent of everything; rounded down, as in Envoy.
uint32_t capacity(uint64_t some, uint64_t all, uint32_t factor) {
  if (all == 0) return 0;
  const double exact = factor * static_cast<double>(some) / static_cast<double>(all);
  return static_cast<uint32_t>(std::min<double>(kEverything, exact));
}

std::vector<PriorityLoad> capacities(const std::vector<PriorityMembers>& priorities,
                                     const PriorityRules& rules) {
  std::vector<PriorityLoad> capacities;
  for (const PriorityMembers& members : priorities) {
    const Tally& tally = rules.weighted_health ? members.weights : members.endpoints;
    const uint32_t factor = rules.overprovisioning_factor;
    capacities.push_back({capacity(tally.healthy, tally.expected(), factor),
                          capacity(tally.degraded, tally.expected(), factor)});
  }
  return capacities;
}

// What is left when each took its part of `sum`, the first ones first.
uint32_t take(uint32_t left, Part part, const std::vector<PriorityLoad>& capacities, uint32_t sum,
              std::vector<PriorityLoad>& loads) {
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i].*part = std::min(left, capacities[i].*part * kEverything / sum);
    left -= loads[i].*part;
  }
  return left;
}

// The first that can take something also takes what rounding left. False: nobody can.
bool takeRest(uint32_t rest, Part part, const std::vector<PriorityLoad>& capacities,
              std::vector<PriorityLoad>& loads) {
  for (size_t i = 0; i < loads.size(); ++i) {
    if (capacities[i].*part == 0) continue;
    loads[i].*part += rest;
    return true;
  }
  return false;
}

bool isInPanic(const Tally& endpoints, uint32_t threshold) {
  const uint64_t expected = endpoints.expected();
  return expected == 0 || endpoints.available() * kEverything < threshold * expected;
}

// Each priority gets by its endpoints, whatever their health.
std::vector<PriorityLoad> loadsInPanic(const std::vector<PriorityMembers>& priorities) {
  uint64_t sum = 0;
  for (const PriorityMembers& members : priorities) sum += members.endpoints.all;
  std::vector<PriorityLoad> loads;
  uint32_t left = kEverything;
  for (const PriorityMembers& members : priorities) {
    const auto load = static_cast<uint32_t>(kEverything * members.endpoints.all / sum);
    loads.push_back({load, 0, true});
    left -= load;
  }
  loads.front().healthy += left;
  return loads;
}

// Without panic: so few are healthy that no priority can take one percent.
void giveToTheFew(const std::vector<PriorityMembers>& priorities,
                  std::vector<PriorityLoad>& loads) {
  for (size_t i = 0; i < loads.size(); ++i) {
    if (priorities[i].endpoints.available() == 0) continue;
    (priorities[i].endpoints.healthy != 0 ? loads[i].healthy : loads[i].degraded) = kEverything;
    return;
  }
}

}  // namespace

std::vector<PriorityLoad> shareLoad(const std::vector<PriorityMembers>& priorities,
                                    const PriorityRules& rules, uint32_t panic_threshold) {
  std::vector<PriorityLoad> loads(priorities.size());
  if (loads.empty()) return loads;
  const std::vector<PriorityLoad> can = capacities(priorities, rules);
  uint32_t sum = 0;
  for (const PriorityLoad& load : can)
    sum = std::min(kEverything, sum + load.healthy + load.degraded);
  if (sum != 0) {
    uint32_t left = take(kEverything, &PriorityLoad::healthy, can, sum, loads);
    left = take(left, &PriorityLoad::degraded, can, sum, loads);
    if (!takeRest(left, &PriorityLoad::healthy, can, loads)) {
      takeRest(left, &PriorityLoad::degraded, can, loads);
    }
  }
  if (sum == kEverything) return loads;
  if (panic_threshold == 0) {
    if (sum == 0) giveToTheFew(priorities, loads);
    return loads;
  }
  bool all_in_panic = true;
  for (size_t i = 0; i < loads.size(); ++i) {
    loads[i].panic = isInPanic(priorities[i].endpoints, panic_threshold);
    all_in_panic &= loads[i].panic;
  }
  return all_in_panic ? loadsInPanic(priorities) : loads;
}

}  // namespace weir::cluster
