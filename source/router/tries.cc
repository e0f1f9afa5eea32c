#include "source/router/tries.h"

#include <algorithm>
#include <utility>

#include "source/router/forward.h"

namespace weir::router {
namespace {

const RetryPolicy& orDefault(const RetryPolicy* policy) {
  static const RetryPolicy kDefault;
  return policy != nullptr ? *policy : kDefault;
}

}  // namespace

Tries::Tries(const RetryPolicy* policy, Steering steering, const RequestHead& head,
             const cluster::Cluster& cluster, cluster::Priority priority,
             std::chrono::milliseconds timeout, uint64_t body_limit)
    : steering_(std::move(steering)),
      policy_(orDefault(policy)),
      retries_(policy_, steering_, head, cluster, priority),
      timer_(*this),
      per_try_(steering_.per_try_timeout.value_or(policy_.per_try_timeout)),
      idle_(policy_.per_try_idle_timeout),
      body_limit_(body_limit) {
  if (timeout.count() != 0 && per_try_ >= timeout) per_try_ = {};
}

bool Tries::avoids(const cluster::Endpoint& endpoint, int64_t asked) const {
  return policy_.avoids_previous_hosts && asked < policy_.host_selection_attempts &&
         std::find(tried_.begin(), tried_.end(), &endpoint) != tried_.end();
}

void Tries::noteEndpoint(const cluster::Endpoint& endpoint) {
  if (policy_.avoids_previous_hosts) tried_.push_back(&endpoint);
}

void Tries::onRequestSent() {
  began_ = last_activity_ = loop_->now();
  answered_ = false;
  arm();
}

void Tries::arm() {
  SteadyTime next = SteadyTime::max();
  if (per_try_.count() != 0 && !answered_) next = began_ + per_try_;
  if (idle_.count() != 0) next = std::min(next, last_activity_ + idle_);
  if (next != SteadyTime::max()) timer_.arm(loop_->timers(), next);
}

void Tries::pause(uint64_t random) {
  pausing_ = true;
  timer_.arm(loop_->timers(), loop_->now() + retries_.pause(random));
}

void Tries::endAttempt() {
  pausing_ = false;
  timer_.disarm();
}

void Tries::stop() {
  endAttempt();
  retries_.release();
}

void Tries::onTimer() {
  if (std::exchange(pausing_, false)) return forward_->onPauseOver();
  const SteadyTime now = loop_->now();
  // What has begun to arrive may take as long as the whole response may.
  const bool late = per_try_.count() != 0 && !answered_ && now >= began_ + per_try_;
  const bool idle = idle_.count() != 0 && now >= last_activity_ + idle_;
  if (!late && !idle) return arm();
  forward_->onTryTimeout(!late);
}

}  // namespace weir::router
