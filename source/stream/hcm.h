// An Hcm is an HttpConnectionManager while its configuration changes: the plan that requests begin
// with from now on, one for each worker. Each worker replaces its own between two turns, so reading
// it takes no lock, and nothing atomic but a shared pointer's count. Shared by the filter chain and
// its connections.
//
// A connection keeps the plan it began with for what is its own: codec, limits, deadlines. A
// request takes the plan of the moment it begins in, and keeps it to its end.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "source/stream/hcm_plan.h"
#include "weir/per_worker.h"

namespace weir::stream {

class Hcm {
 public:
  // `workers`: how many there will be.
  Hcm(const std::shared_ptr<const HcmPlan>& first, uint32_t workers) {
    while (plans_.size() < workers) plans_.emplace_back(first);
  }

  // The calling worker's.
  const std::shared_ptr<const HcmPlan>& plan() const {
    assert(t_worker < plans_.size());
    return plans_[t_worker].plan;
  }
  // On that worker's thread, or before it runs. Whoever drops the last reference to a plan destroys
  // it, which may take long: keep the former one where that does not matter. Its use_count() says
  // how many workers still have it.
  void replace(uint32_t worker, const std::shared_ptr<const HcmPlan>& next) {
    plans_[worker] = Current(next);
  }

 private:
  struct Current {
    // Each worker counts for itself: a count that all wrote to would be passed between the CPUs.
    explicit Current(const std::shared_ptr<const HcmPlan>& shared)
        : plan(std::make_shared<const std::shared_ptr<const HcmPlan>>(shared), shared.get()) {}
    std::shared_ptr<const HcmPlan> plan;
  };

  std::vector<Current> plans_;
};

}  // namespace weir::stream
