// A RouteHold keeps back a plan whose routes name clusters that are still coming, so that no
// request goes where nothing can answer it yet. Only for so long: what is held goes into use when
// the last of these clusters can be used, and after kLongest in any case, as in Envoy from the
// first moment. Owned by the RouteSubscription; main thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "source/live/coming_clusters.h"
#include "source/net/loop.h"
#include "source/stream/hcm_plan.h"
#include "weir/runtime.h"

namespace weir::live {

class RouteHold final : private net::TimerUser, private ComingClusters::Waiter {
 public:
  static constexpr std::chrono::milliseconds kLongest{2000};
  // Milliseconds, instead of kLongest; 0: nothing is held.
  static constexpr std::string_view kRuntimeKey = "weir.route_hold_ms";
  using PlanPtr = std::shared_ptr<const stream::HcmPlan>;

  // `release` takes what was held.
  RouteHold(net::Loop& loop, ComingClusters& coming, RuntimeKey longest,
            std::function<void(PlanPtr)> release);
  ~RouteHold();

  // Whether `next` is held: it names a coming cluster that `current`, which may be null, does not.
  // What was held before is forgotten; its time goes on to run.
  bool take(const stream::HcmPlan* current, const PlanPtr& next);
  bool holds() const { return held_ != nullptr; }
  // The name of a cluster that is waited for.
  const std::string& waitsFor() const { return missing_.begin()->second->name; }

 private:
  void onSettled(uint32_t slot) override;
  void onTimer() override;
  void forget();
  void release();

  net::Loop& loop_;
  ComingClusters& coming_;
  const RuntimeKey longest_;
  const std::function<void(PlanPtr)> release_;
  net::Timer timer_;
  PlanPtr held_;
  std::unordered_map<uint32_t, cluster::NamedClusterPtr> missing_;  // by slot
};

}  // namespace weir::live
