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

std::vector<uint32_t> makeOrder(std::span<const uint64_t> weights) {
  std::vector<uint32_t> order;
  uint64_t sum = 0;
  uint64_t divisor = 0;
  for (const uint64_t weight : weights) {
    sum += weight;
    divisor = std::gcd(divisor, weight);
  }
  if (weights.empty()) return order;
  if (sum / divisor == weights.size()) {  // all weights equal
    order.resize(weights.size());
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  const double scale =
      std::min(1.0, static_cast<double>(kMaxRound) / static_cast<double>(sum / divisor));
  std::priority_queue<Visit> queue;
  uint64_t visits = 0;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    const auto exact = static_cast<double>(weights[i] / divisor) * scale;
    const uint64_t weight = std::max<uint64_t>(1, static_cast<uint64_t>(exact + 0.5));
    visits += weight;
    queue.push({0.5 / static_cast<double>(weight), i, weight});
  }
  order.reserve(visits);
  while (visits-- != 0) {
    Visit visit = queue.top();
    queue.pop();
    order.push_back(visit.index);
    visit.due += 1.0 / static_cast<double>(visit.weight);
    queue.push(visit);
  }
  return order;
}

}  // namespace weir::cluster
