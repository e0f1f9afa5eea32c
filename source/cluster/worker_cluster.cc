#include "source/cluster/worker_cluster.h"

#include <utility>

namespace weir::cluster {

void WorkerClusters::set(uint32_t slot, ClusterPtr cluster) {
  if (slot >= slots_.size()) {
    if (cluster == nullptr) return;
    slots_.resize(slot + size_t{1});
  }
  Slot& at = slots_[slot];
  if (at.cluster == cluster) return;
  // Who began with the former version has a use of it.
  WorkerCluster* next = nullptr;
  if (at.worker != nullptr && cluster != nullptr && cluster->continues(*at.cluster)) {
    next = new WorkerCluster(loop_, cluster, at.worker->pools_);
    next->pools_.setCluster(cluster);
    at.worker = nullptr;
  }
  ClusterUse use = next == nullptr ? ClusterUse() : ClusterUse(*next);
  if (at.cluster != nullptr) empty(at);
  if (cluster == nullptr) return;
  at.worker = next;
  at.use = std::move(use);
  names_.erase(cluster->name());  // its key may be another cluster's memory
  names_.emplace(cluster->name(), slot);
  at.cluster = std::move(cluster);
  wanted_.settle(at.cluster->name());
}

void WorkerClusters::empty(Slot& slot) {
  slot.cluster->withdraw();
  const auto named = names_.find(slot.cluster->name());
  if (named != names_.end() && named->second == slot.cluster->slot()) names_.erase(named);
  if (slot.worker != nullptr) slot.worker->pools_.retire(retired_);
  slot = {};
}

void WorkerClusters::update(const ClusterPtr& cluster, EndpointSetPtr endpoints) {
  const uint32_t slot = cluster->slot();
  if (slot >= slots_.size() || slots_[slot].cluster != cluster) return;
  if (WorkerCluster* worker = slots_[slot].worker) worker->pools_.update(std::move(endpoints));
}

WorkerCluster* WorkerClusters::find(uint32_t slot, uint64_t random) {
  if (slot >= slots_.size()) return nullptr;
  Slot& at = slots_[slot];
  if (at.worker == nullptr && at.cluster != nullptr) {
    at.worker = new WorkerCluster(loop_, at.cluster, *new WorkerPools(loop_, at.cluster, random));
    at.use = ClusterUse(*at.worker);
  }
  return at.worker;
}

uint32_t WorkerClusters::slotOf(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? kNoSlot : found->second;
}

void WorkerClusters::clear() {
  for (const Slot& slot : slots_) {
    if (slot.worker != nullptr) slot.worker->pools_.abandon();
  }
  for (WorkerPools* pools : std::exchange(retired_, {})) pools->abandon();
  names_.clear();
  slots_.clear();
}

}  // namespace weir::cluster
