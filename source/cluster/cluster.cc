#include "source/cluster/cluster.h"

#include <algorithm>

#include "source/cluster/membership.h"

namespace weir::cluster {

bool Budgets::retriesFull(const Limits& limits) const {
  if (!limits.retry_budget) return retries.full(limits.max_retries);
  const double share = limits.retry_budget->percent / 100 * (requests.taken() + pending.taken());
  return retries.full(std::max(limits.retry_budget->least, static_cast<uint32_t>(share)));
}

Cluster::Cluster(uint32_t slot, ClusterSettings settings, StatScope stats, const Cluster* former)
    : slot_(slot),
      settings_(std::move(settings)),
      scope_(std::move(stats)),
      shared_(former != nullptr ? former->shared_ : std::make_shared<Shared>(settings_.http2)) {}

// Cold: stats() is called several times a request, and this would be inlined into it.
[[gnu::cold]] const ClusterStats& Cluster::makeStats() const {
  {
    std::lock_guard lock(mutex_);
    enterLocked();
  }
  std::lock_guard lock(shared_->mutex);
  if (shared_->stats == nullptr) {
    const bool http2 = settings_.http_version != HttpVersion::Http1;
    shared_->stats = std::make_unique<const ClusterStats>(scope_, http2);
  }
  stats_seen_.store(shared_->stats.get(), std::memory_order_release);
  return *shared_->stats;
}

void Cluster::publish(EndpointSetPtr endpoints) {
  std::lock_guard lock(mutex_);
  endpoints_ = std::move(endpoints);
  if (!entered_ || withdrawn_) return;
  const Membership membership(scope_);
  const Tally before = std::exchange(members_, membersOf(*endpoints_));
  membership.countChange();
  membership.change(before, members_);
}

void Cluster::enterLocked() const {
  if (withdrawn_ || std::exchange(entered_, true)) return;
  members_ = membersOf(*endpoints_);
  const Membership membership(scope_);
  membership.countChange();
  membership.change({}, members_);
}

void Cluster::enter() {
  std::lock_guard lock(mutex_);
  enterLocked();
}

void Cluster::withdraw() {
  std::lock_guard lock(mutex_);
  withdrawn_ = true;
  if (members_.all != 0) Membership(scope_).change(std::exchange(members_, {}), {});
}

}  // namespace weir::cluster
