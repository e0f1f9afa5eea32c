// A Balancer chooses endpoints for one worker: by the cluster's policy among those whose turn it
// is. Nearly always one share takes all requests, and choosing is one step in one round; where
// priorities, degraded endpoints, localities or a panic share them out, it is first decided whose
// turn it is. Worker thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/cluster/endpoint.h"
#include "source/cluster/round.h"
#include "source/cluster/shares.h"

namespace weir::cluster {

class Balancer {
 public:
  // `random`: where it begins, which is another place in each worker, or the first endpoints would
  // get every worker's first request.
  explicit Balancer(uint64_t random) : start_(random) {}

  // Goes on from its place. The cluster outlives it, or is replaced first.
  void update(EndpointSetPtr endpoints, const Cluster& cluster);

  // The index of an endpoint. False: nobody may have this request.
  bool choose(uint64_t random, uint32_t& index) {
    if (!round_.order.empty()) {
      index = chooseFrom(round_, random);
      return true;
    }
    index = chooseShared(random);
    return index != kNobody;
  }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;

  uint32_t chooseFrom(Round& round, uint64_t random) {
    switch (policy_) {
      case LbPolicy::RoundRobin:
        return round.advance();
      case LbPolicy::LeastRequest:
        return leastBusy(round.order, random);
      case LbPolicy::Random:
        break;
    }
    return round.order[random % round.order.size()];
  }
  [[gnu::noinline]] uint32_t chooseShared(uint64_t random);
  uint32_t leastBusy(std::span<const uint32_t> order, uint64_t random) const;

  EndpointSetPtr endpoints_;
  const Cluster* cluster_ = nullptr;
  LbPolicy policy_ = LbPolicy::RoundRobin;
  uint32_t choice_count_ = 2;  // of LeastRequest
  Round round_;                // empty where there is not just one share, or it is in panic
  std::vector<Share> shares_;
  Round turns_;     // of shares_
  uint64_t start_;  // where rounds begin
};

}  // namespace weir::cluster
