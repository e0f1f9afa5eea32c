#include "source/live/route_hold.h"

#include <algorithm>
#include <utility>

#include "source/live/log.h"

namespace weir::live {

RouteHold::RouteHold(net::Loop& loop, ComingClusters& coming, RuntimeKey longest,
                     std::function<void(PlanPtr)> release)
    : loop_(loop),
      coming_(coming),
      longest_(std::move(longest)),
      release_(std::move(release)),
      timer_(*this) {}

RouteHold::~RouteHold() { forget(); }

// Both lists are in the order of slots.
bool RouteHold::take(const stream::HcmPlan* current, const PlanPtr& next) {
  const bool again = held_ != nullptr;
  forget();
  const std::chrono::milliseconds longest(
      longest_.number().value_or(static_cast<uint64_t>(kLongest.count())));
  const auto by_slot = [](const auto& a, const auto& b) { return a->slot < b->slot; };
  const cluster::NamedClusters none;
  const auto namedBy = [&none](const stream::HcmPlan* plan) -> const auto& {
    return plan == nullptr || plan->clusters == nullptr ? none.all : plan->clusters->all;
  };
  const auto& known = namedBy(current);
  for (const cluster::NamedClusterPtr& named : namedBy(next.get())) {
    if (longest.count() == 0 || !coming_.contains(named->slot)) continue;
    if (std::binary_search(known.begin(), known.end(), named, by_slot)) continue;
    missing_.emplace(named->slot, named);
  }
  if (missing_.empty()) {
    timer_.disarm();
    return false;
  }
  held_ = next;
  coming_.watch(*this);
  if (!again) timer_.arm(loop_.timers(), loop_.now() + longest);
  return true;
}

void RouteHold::onSettled(uint32_t slot) {
  missing_.erase(slot);
  if (missing_.empty()) release();
}

void RouteHold::onTimer() {
  logNamed("config").warn("routes go into use although cluster '{}' is not ready", waitsFor());
  release();
}

void RouteHold::forget() {
  if (held_ == nullptr) return;
  held_ = nullptr;
  missing_.clear();
  coming_.unwatch(*this);
}

void RouteHold::release() {
  PlanPtr plan = held_;
  forget();
  timer_.disarm();
  release_(std::move(plan));
}

}  // namespace weir::live
