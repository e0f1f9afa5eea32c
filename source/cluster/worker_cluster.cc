#include "source/cluster/worker_cluster.h"

#include <algorithm>
#include <numeric>

#include "source/cluster/round.h"

namespace weir::cluster {

WorkerCluster::WorkerCluster(net::Loop& loop, ClusterPtr cluster, uint64_t random)
    : loop_(loop),
      cluster_(std::move(cluster)),
      endpoints_(std::make_shared<EndpointSet>()),
      lines_(loop, *this, *cluster_) {
  update(cluster_->endpoints());
  // Workers start at different places, or the first endpoints would get every worker's first
  // request.
  if (!round_.empty()) next_ = random % round_.size();
}

WorkerCluster::~WorkerCluster() {
  if (among_ != nullptr) among_->erase(this);
}

uint32_t WorkerCluster::chooseIndex(uint64_t random) {
  switch (cluster_->settings().lb_policy) {
    case LbPolicy::RoundRobin:
      if (++next_ >= round_.size()) next_ = 0;
      return round_[next_];
    case LbPolicy::LeastRequest:
      return leastBusy(random);
    case LbPolicy::Random:
      break;
  }
  return round_[random % round_.size()];
}

// Of a few drawn by weight, the one with the fewest requests for its weight.
uint32_t WorkerCluster::leastBusy(uint64_t random) const {
  const auto requests = [this](uint32_t index) {
    return endpoints_->all[index]->counts.rq_active.load(std::memory_order_relaxed) + 1;
  };
  uint32_t best = round_[random % round_.size()];
  for (uint32_t drawn = 1; drawn < cluster_->settings().choice_count; ++drawn) {
    random = random * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX generator
    const uint32_t other = round_[(random >> 32) % round_.size()];
    const uint64_t best_weight = endpoints_->all[best]->weight;
    const uint64_t other_weight = endpoints_->all[other]->weight;
    if (requests(other) * best_weight < requests(best) * other_weight) best = other;
  }
  return best;
}

HttpVersion WorkerCluster::versionFor(Protocol downstream) const {
  const HttpVersion version = cluster_->settings().http_version;
  if (version != HttpVersion::AsDownstream) return version;
  return downstream == Protocol::Http2 ? HttpVersion::Http2 : HttpVersion::Http1;
}

WorkerCluster::PoolTable& WorkerCluster::tableFor(std::string_view server_name) {
  if (server_name.empty()) return pools_;
  auto found = named_.find(server_name);
  if (found != named_.end()) return found->second;
  if (named_.size() >= kMostNames) {
    setAside(named_.begin()->second);
    named_.erase(named_.begin());
    drainSetAside();
  }
  return named_[std::string(server_name)];
}

Pool* WorkerCluster::choose(uint64_t random, Priority priority, Protocol downstream,
                            std::string_view server_name) {
  // A pooled connection serves many clients, and a PROXY header names one.
  if (round_.empty() || cluster_->settings().proxy_header != nullptr) return nullptr;
  const uint32_t index = chooseIndex(random);
  const HttpVersion version = versionFor(downstream);
  const size_t own = version == HttpVersion::Http2 ? 2 : 0;
  Pools& pools = tableFor(server_name)[static_cast<size_t>(priority) + own];
  if (pools.empty()) pools.resize(endpoints_->all.size());
  auto& pool = pools[index];
  if (!pool) {
    pool = std::make_unique<Pool>(loop_, *this, *cluster_, endpoints_->all[index],
                                  PoolKey{priority, version, std::string(server_name)});
    if (retired_) pool->drain();
  }
  return pool.get();
}

ByteLine* WorkerCluster::chooseLine(uint64_t random) {
  const EndpointPtr endpoint = chooseEndpoint(random);
  return endpoint == nullptr ? nullptr : lines_.to(endpoint);
}

EndpointPtr WorkerCluster::chooseEndpoint(uint64_t random) {
  if (round_.empty()) {
    cluster_->stats().cx_none_healthy.add();
    return nullptr;
  }
  return endpoints_->all[chooseIndex(random)];
}

// Pools of endpoints that stay find their new places.
void WorkerCluster::moveTo(const EndpointSet& endpoints, PoolTable& table) {
  const auto& all = endpoints.all;
  for (Pools& of_key : table) {
    if (of_key.empty()) continue;
    Pools pools(all.size());
    for (auto& pool : of_key) {
      if (!pool) continue;
      const auto same = std::find_if(all.begin(), all.end(), [&](const EndpointPtr& endpoint) {
        return endpoint.get() == &pool->endpoint();
      });
      if (same != all.end()) pools[static_cast<size_t>(same - all.begin())] = std::move(pool);
    }
    of_key.swap(pools);
    for (auto& gone : pools) {
      if (gone) draining_.push_back(std::move(gone));
    }
  }
}

void WorkerCluster::setAside(PoolTable& table) {
  for (Pools& pools : table) {
    for (auto& pool : pools) {
      if (pool) draining_.push_back(std::move(pool));
    }
    pools.clear();
  }
}

void WorkerCluster::drainSetAside() {
  std::vector<Pool*> to_drain;
  for (auto& pool : draining_) to_drain.push_back(pool.get());
  for (Pool* pool : to_drain) pool->drain();
}

void WorkerCluster::update(EndpointSetPtr endpoints) {
  moveTo(*endpoints, pools_);
  for (auto& [name, table] : named_) moveTo(*endpoints, table);
  endpoints_ = std::move(endpoints);
  lines_.keepOnly(*endpoints_);
  // RANDOM does not look at weights, as in Envoy.
  const bool weighted = cluster_->settings().lb_policy != LbPolicy::Random;
  round_ = weighted ? makeRound(*endpoints_) : firstPriority(*endpoints_);
  next_ = round_.empty() ? 0 : next_ % round_.size();
  drainSetAside();
}

// The pools stay where they are, so that retries share their last connections.
void WorkerCluster::retire(std::unordered_set<WorkerCluster*>& retired) {
  retired_ = true;
  among_ = &retired;
  retired.insert(this);
  std::vector<Pool*> pools;  // who fails a waiter may make others
  const auto note = [&pools](const PoolTable& table) {
    for (const Pools& of_key : table) {
      for (const auto& pool : of_key) {
        if (pool) pools.push_back(pool.get());
      }
    }
  };
  note(pools_);
  for (const auto& [name, table] : named_) note(table);
  for (Pool* pool : pools) pool->drain();
  lines_.keepOnly({});
}

void WorkerCluster::abandon() {
  const ClusterUse until_done(*this);
  retired_ = true;
  among_ = nullptr;
  lines_.closeAll();
  for (Pools& pools : pools_) pools.clear();
  named_.clear();
  draining_.clear();
}

void WorkerCluster::onPoolEmpty(Pool& pool) {
  const auto at = std::find_if(draining_.begin(), draining_.end(),
                               [&](const auto& owned) { return owned.get() == &pool; });
  if (at == draining_.end()) return;
  // The pool is still on the stack.
  struct Grave final : net::Deferred {
    std::unique_ptr<Pool> pool;
  };
  auto* grave = new Grave;
  grave->pool = std::move(*at);
  draining_.erase(at);
  loop_.destroyLater(grave);
}

void WorkerClusters::set(uint32_t slot, ClusterPtr cluster) {
  if (slot >= slots_.size()) {
    if (cluster == nullptr) return;
    slots_.resize(slot + size_t{1});
  }
  Slot& at = slots_[slot];
  if (at.cluster == cluster) return;
  if (at.cluster != nullptr) empty(at);
  if (cluster == nullptr) return;
  names_.erase(cluster->name());  // its key may be another cluster's memory
  names_.emplace(cluster->name(), slot);
  at.cluster = std::move(cluster);
}

void WorkerClusters::empty(Slot& slot) {
  slot.cluster->withdraw();
  const auto named = names_.find(slot.cluster->name());
  if (named != names_.end() && named->second == slot.cluster->slot()) names_.erase(named);
  if (slot.worker != nullptr) slot.worker->retire(retired_);
  slot = {};
}

void WorkerClusters::update(const ClusterPtr& cluster, EndpointSetPtr endpoints) {
  const uint32_t slot = cluster->slot();
  if (slot >= slots_.size() || slots_[slot].cluster != cluster) return;
  if (WorkerCluster* worker = slots_[slot].worker) worker->update(std::move(endpoints));
}

WorkerCluster* WorkerClusters::find(uint32_t slot, uint64_t random) {
  if (slot >= slots_.size()) return nullptr;
  Slot& at = slots_[slot];
  if (at.worker == nullptr && at.cluster != nullptr) {
    at.worker = new WorkerCluster(loop_, at.cluster, random);
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
    if (slot.worker != nullptr) slot.worker->abandon();
  }
  for (WorkerCluster* cluster : std::exchange(retired_, {})) cluster->abandon();
  names_.clear();
  slots_.clear();
}

}  // namespace weir::cluster
