#include "source/cluster/balancer.h"

#include <utility>

namespace weir::cluster {

void Balancer::update(EndpointSetPtr endpoints, const Cluster& cluster) {
  endpoints_ = std::move(endpoints);
  cluster_ = &cluster;
  policy_ = cluster.settings().lb_policy;
  choice_count_ = cluster.settings().choice_count;
  if (!round_.order.empty()) start_ = round_.next;
  if (!turns_.order.empty()) start_ = turns_.next;
  round_ = turns_ = {};
  shares_ = makeShares(*endpoints_, cluster.settings());
  const auto start = [this](Round& round) {
    if (!round.order.empty()) round.next = start_ % round.order.size();
  };
  for (Share& share : shares_) start(share.round);
  if (shares_.size() == 1 && !shares_.front().panic) {
    round_ = std::move(shares_.front().round);
    shares_.clear();
  }
  std::vector<uint64_t> weights;
  for (const Share& share : shares_) weights.push_back(share.weight);
  turns_.order = makeOrder(weights);
  start(turns_);
}

// Turns are drawn from other bits than the endpoint, so that one does not decide about the other.
uint32_t Balancer::chooseShared(uint64_t random) {
  if (shares_.empty()) return kNobody;
  const uint32_t turn = policy_ == LbPolicy::RoundRobin
                            ? turns_.advance()
                            : turns_.order[(random >> 32) % turns_.order.size()];
  Share& share = shares_[turn];
  if (share.panic) cluster_->stats().lb_healthy_panic.add();
  if (share.round.order.empty()) return kNobody;
  return chooseFrom(share.round, random);
}

// Of a few drawn by weight, the one with the fewest requests for its weight.
uint32_t Balancer::leastBusy(std::span<const uint32_t> order, uint64_t random) const {
  const std::span<const EndpointPtr> all = endpoints_->all;
  const auto requests = [all](uint32_t index) {
    return all[index]->counts.rq_active.load(std::memory_order_relaxed) + 1;
  };
  uint32_t best = order[random % order.size()];
  for (uint32_t drawn = 1; drawn < choice_count_; ++drawn) {
    random = random * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    const uint32_t other = order[(random >> 32) % order.size()];
    const uint64_t best_weight = all[best]->weight;
    const uint64_t other_weight = all[other]->weight;
    if (requests(other) * best_weight < requests(best) * other_weight) best = other;
  }
  return best;
}

}  // namespace weir::cluster
