#include "source/cluster/cluster.h"

#include <algorithm>

namespace weir::cluster {

bool Budgets::retriesFull(const Limits& limits) const {
  if (!limits.retry_budget) return retries.full(limits.max_retries);
  const double share = limits.retry_budget->percent / 100 * (requests.taken() + pending.taken());
  return retries.full(std::max(limits.retry_budget->least, static_cast<uint32_t>(share)));
}

// Cold: stats() is called several times a request, and this would be inlined into it.
[[gnu::cold]] const ClusterStats& Cluster::makeStats() const {
  std::lock_guard lock(mutex_);
  if (stats_ == nullptr) {
    const bool http2 = settings_.http_version != HttpVersion::Http1;
    stats_ = std::make_unique<ClusterStats>(scope_, http2);
    // Others' discovery tells of each change.
    if (settings_.discovery == Discovery::Static && !withdrawn_) {
      members_ = endpoints_->all.size();
      Membership(scope_).enter(members_);
    }
  }
  stats_seen_.store(stats_.get(), std::memory_order_release);
  return *stats_;
}

void Cluster::withdraw() {
  std::lock_guard lock(mutex_);
  withdrawn_ = true;
  if (const size_t members = std::exchange(members_, 0)) Membership(scope_).leave(members);
}

}  // namespace weir::cluster
