#include "source/live/retained_clusters.h"

#include <utility>

#include "source/live/log.h"

namespace weir::live {
namespace {

// Who names a cluster lets go of it on any thread, so it is looked at now and then.
constexpr std::chrono::milliseconds kLook{100};

}  // namespace

RetainedClusters::RetainedClusters(net::Loop& loop, Gauge gauge, RuntimeKey longest,
                                   Callbacks callbacks)
    : loop_(loop),
      gauge_(std::move(gauge)),
      longest_(std::move(longest)),
      callbacks_(std::move(callbacks)),
      timer_(*this) {}

bool RetainedClusters::keep(const cluster::ClusterPtr& cluster, Names names) {
  const std::chrono::milliseconds longest(
      longest_.number().value_or(static_cast<uint64_t>(kLongest.count())));
  if (longest.count() == 0 || names.expired()) return false;
  upstreamLog().info("cluster '{}' is removed; as routes name it, it serves on for at most {} ms",
                     cluster->name(), longest.count());
  all_.insert_or_assign(cluster->slot(), One{cluster, std::move(names), loop_.now() + longest});
  if (!timer_.armed()) timer_.arm(loop_.timers(), loop_.now() + kLook);
  count();
  return true;
}

void RetainedClusters::replaced(uint32_t slot) {
  if (all_.erase(slot) != 0) count();
}

const cluster::Cluster* RetainedClusters::find(uint32_t slot) const {
  const auto found = all_.find(slot);
  return found == all_.end() ? nullptr : found->second.cluster.get();
}

void RetainedClusters::onTimer() {
  for (auto at = all_.begin(); at != all_.end();) {
    const One& one = at->second;
    const bool unnamed = one.names.expired();
    const bool late = loop_.now() >= one.deadline;
    if ((!unnamed && !late) || callbacks_.is_succeeded(one.cluster->name())) {
      ++at;
      continue;
    }
    if (unnamed) {
      upstreamLog().info("cluster '{}': no route names it any more", one.cluster->name());
    } else {
      upstreamLog().warn("cluster '{}' is gone, and routes still name it", one.cluster->name());
    }
    callbacks_.drop(at->first);
    at = all_.erase(at);
  }
  count();
  if (!all_.empty()) timer_.arm(loop_.timers(), loop_.now() + kLook);
}

void RetainedClusters::count() { gauge_.set(all_.size()); }

}  // namespace weir::live
