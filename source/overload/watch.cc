#include "source/overload/watch.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace weir::overload {
namespace {

Share shareOf(double level) {
  return level >= 1 ? kAll : static_cast<Share>(level * static_cast<double>(kAll));
}

// Rounded down, so that 100 is saturated; but 0.29 is no 28.999.
uint64_t percentOf(double part) { return static_cast<uint64_t>(part * 100 + 1e-6); }

}  // namespace

Heap Heap::ofProcess() {
  return {[] { return uint64_t{::mallinfo2().fordblks}; }, [] { ::malloc_trim(0); }};
}

Watch::Watch(net::Loop& loop, Plan plan, const StatScope& stats, Callbacks callbacks, Heap heap)
    : loop_(loop),
      plan_(std::move(plan)),
      callbacks_(std::move(callbacks)),
      heap_(std::move(heap)),
      timer_(*this) {
  const StatScope all = stats.scope("overload");
  for (const ResourcePlan& resource : plan_.resources) {
    const StatScope scope = all.scope(resource.name);
    resources_.push_back({0, scope.gauge("pressure"), scope.counter("failed_updates")});
    // For those who look for it: a pressure is read where it is asked for, and so never pending.
    scope.counter("skipped_updates");
  }
  for (const ActionPlan& action : plan_.actions) {
    const StatScope scope = all.scope(action.name);
    actions_.push_back({0, scope.gauge("active"), scope.gauge("scale_percent")});
    if (action.kind == ActionKind::ShrinkHeap) shrink_count_ = scope.counter("shrink_count");
  }
}

void Watch::start() {
  if (plan_.resources.empty()) return;
  onTimer();
}

void Watch::onTimer() {
  measure();
  decide();
  timer_.arm(loop_.timers(), loop_.now() + plan_.refresh_interval);
}

void Watch::measure() {
  for (size_t i = 0; i < resources_.size(); ++i) {
    const Result<double> pressure = plan_.resources[i].pressure();
    if (!pressure) {
      resources_[i].failed_updates.add();
      continue;
    }
    resources_[i].pressure = *pressure;
    resources_[i].percent.set(percentOf(*pressure));
  }
}

double Watch::levelOf(const ActionPlan& action) const {
  double level = 0;
  for (const TriggerPlan& trigger : action.triggers) {
    level = std::max(level, trigger.trigger.level(resources_[trigger.resource].pressure));
  }
  return level;
}

void Watch::decide() {
  Actions now;
  for (size_t i = 0; i < actions_.size(); ++i) {
    Action& action = actions_[i];
    const double level = levelOf(plan_.actions[i]);
    const bool was_saturated = std::exchange(action.level, level) >= 1;
    if (was_saturated != (level >= 1)) callbacks_.saturated(plan_.actions[i].name, level >= 1);
    action.active.set(level >= 1 ? 1 : 0);
    action.scale_percent.set(percentOf(level));
    switch (plan_.actions[i].kind) {
      case ActionKind::StopAcceptingRequests:
        now.reject_requests = shareOf(level);
        break;
      case ActionKind::DisableHttpKeepalive:
        now.end_connections = shareOf(level);
        break;
      case ActionKind::RejectIncomingConnections:
        now.reject_connections = shareOf(level);
        break;
      case ActionKind::StopAcceptingConnections:
        now.stop_accepting = level >= 1;
        break;
      case ActionKind::ShrinkHeap:
        shrink(level);
        break;
    }
  }
  if (now != std::exchange(told_, now)) callbacks_.changed(now);
}

void Watch::shrink(double level) {
  if (level < 1) return;
  const bool first = shrunk_ == net::SteadyTime{};
  if (!first && loop_.now() - shrunk_ < plan_.shrink.interval) return;
  shrunk_ = loop_.now();
  if (heap_.free_bytes() <= plan_.shrink.max_unfreed) return;
  heap_.trim();
  shrink_count_.add();
}

}  // namespace weir::overload
