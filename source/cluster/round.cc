#include "source/cluster/round.h"

#include <algorithm>
#include <numeric>
#include <queue>

namespace weir::cluster {
namespace {

struct Visit {
  double due;
  uint32_t index;
  uint64_t weight;
  bool operator<(const Visit& other) const {  // earliest first, then in listed order
    return due != other.due ? due > other.due : index > other.index;
  }
};

}  // namespace

std::vector<uint32_t> firstPriority(const EndpointSet& endpoints) {
  uint32_t priority = UINT32_MAX;
  for (const EndpointPtr& endpoint : endpoints.all)
    priority = std::min(priority, endpoint->priority);
  std::vector<uint32_t> chosen;
  for (uint32_t i = 0; i < endpoints.all.size(); ++i) {
    const Endpoint& endpoint = *endpoints.all[i];
    if (endpoint.priority == priority && endpoint.weight != 0) chosen.push_back(i);
  }
  return chosen;
}

std::vector<uint32_t> makeRound(const EndpointSet& endpoints) {
  std::vector<uint32_t> round;
  const std::vector<uint32_t> chosen = firstPriority(endpoints);
  uint64_t sum = 0;
  uint64_t divisor = 0;
  for (const uint32_t i : chosen) {
    sum += endpoints.all[i]->weight;
    divisor = std::gcd(divisor, uint64_t{endpoints.all[i]->weight});
  }
  if (chosen.empty()) return round;
  if (sum / divisor == chosen.size()) return chosen;  // all weights equal
  const double scale =
      std::min(1.0, static_cast<double>(kMaxRound) / static_cast<double>(sum / divisor));
  std::priority_queue<Visit> queue;
  uint64_t visits = 0;
  for (const uint32_t i : chosen) {
    const auto exact = static_cast<double>(endpoints.all[i]->weight / divisor) * scale;
    const uint64_t weight = std::max<uint64_t>(1, static_cast<uint64_t>(exact + 0.5));
    visits += weight;
    queue.push({0.5 / static_cast<double>(weight), i, weight});
  }
  round.reserve(visits);
  while (visits-- != 0) {
    Visit visit = queue.top();
    queue.pop();
    round.push_back(visit.index);
    visit.due += 1.0 / static_cast<double>(visit.weight);
    queue.push(visit);
  }
  return round;
}

}  // namespace weir::cluster
