#include "source/cluster/worker_pools.h"

#include <algorithm>
#include <unordered_map>

#include "source/cluster/membership.h"

namespace weir::cluster {

WorkerPools::WorkerPools(net::Loop& loop, ClusterPtr cluster, uint64_t random)
    : loop_(loop),
      cluster_(std::move(cluster)),
      endpoints_(std::make_shared<EndpointSet>()),
      random_(random),
      balancer_(random),
      lines_(loop, *this, *cluster_) {
  update(cluster_->endpoints());
}

WorkerPools::~WorkerPools() {
  if (among_ != nullptr) among_->erase(this);
}

HttpVersion WorkerPools::versionFor(Protocol downstream) const {
  const HttpVersion version = cluster_->settings().http_version;
  if (version != HttpVersion::AsDownstream) return version;
  return downstream == Protocol::Http2 ? HttpVersion::Http2 : HttpVersion::Http1;
}

WorkerPools::PoolTable& WorkerPools::tableFor(std::string_view server_name) {
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

Pool* WorkerPools::choose(uint64_t random, Priority priority, Protocol downstream,
                          std::string_view server_name, const Criteria* wanted) {
  uint32_t index;
  if (!chooseIndex(random, wanted, index)) return nullptr;
  // A pooled connection serves many clients, and a PROXY header names one.
  if (cluster_->settings().proxy_header != nullptr) return nullptr;
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

ByteLine* WorkerPools::chooseLine(uint64_t random) {
  const EndpointPtr endpoint = chooseEndpoint(random, nullptr);
  return endpoint == nullptr ? nullptr : lines_.to(endpoint);
}

EndpointPtr WorkerPools::chooseEndpoint(uint64_t random, const Criteria* wanted) {
  uint32_t index;
  if (chooseIndex(random, wanted, index)) return endpoints_->all[index];
  cluster_->stats().cx_none_healthy.add();
  return nullptr;
}

// Pools of hosts that stay find their new places; they keep the endpoint that they were made for.
void WorkerPools::moveTo(const EndpointSet& endpoints, PoolTable& table) {
  const auto& all = endpoints.all;
  std::unordered_map<const EndpointCounts*, size_t> places;
  for (Pools& of_key : table) {
    if (of_key.empty()) continue;
    if (places.empty()) {
      for (size_t i = 0; i < all.size(); ++i) places.emplace(&all[i]->counts, i);
    }
    Pools pools(all.size());
    for (auto& pool : of_key) {
      if (!pool) continue;
      const auto place = places.find(&pool->endpoint().counts);
      if (place == places.end()) continue;
      pool->setMetadata(all[place->second]->metadata);
      pools[place->second] = std::move(pool);
    }
    of_key.swap(pools);
    for (auto& gone : pools) {
      if (gone) draining_.push_back(std::move(gone));
    }
  }
}

void WorkerPools::setAside(PoolTable& table) {
  for (Pools& pools : table) {
    for (auto& pool : pools) {
      if (pool) draining_.push_back(std::move(pool));
    }
    pools.clear();
  }
}

void WorkerPools::drainSetAside() {
  std::vector<Pool*> to_drain;
  for (auto& pool : draining_) to_drain.push_back(pool.get());
  for (Pool* pool : to_drain) pool->drain();
}

void WorkerPools::update(EndpointSetPtr endpoints) {
  moveTo(*endpoints, pools_);
  for (auto& [name, table] : named_) moveTo(*endpoints, table);
  endpoints_ = std::move(endpoints);
  lines_.keepOnly(*endpoints_);
  members_ = membersOf(*endpoints_);
  balancer_.update(endpoints_, *cluster_);
  divide();
  drainSetAside();
}

void WorkerPools::divide() {
  if (cluster_->settings().subsets == nullptr) return subsets_.reset();
  if (subsets_ == nullptr) subsets_ = std::make_unique<Subsets>(random_);
  subsets_->update(*endpoints_, *cluster_, balancer_);
}

// Those that serve endpoints there are.
std::vector<Pool*> WorkerPools::all() const {
  std::vector<Pool*> all;
  const auto add = [&all](const PoolTable& table) {
    for (const Pools& of_key : table) {
      for (const auto& pool : of_key) {
        if (pool) all.push_back(pool.get());
      }
    }
  };
  add(pools_);
  for (const auto& [name, table] : named_) add(table);
  return all;
}

void WorkerPools::setCluster(ClusterPtr cluster) {
  for (Pool* pool : all()) pool->setCluster(*cluster);
  for (auto& pool : draining_) pool->setCluster(*cluster);
  lines_.setCluster(*cluster);
  cluster_ = std::move(cluster);
  update(cluster_->endpoints());
}

// The pools stay where they are, so that retries share their last connections.
void WorkerPools::retire(std::unordered_set<WorkerPools*>& retired) {
  retired_ = true;
  among_ = &retired;
  retired.insert(this);
  for (Pool* pool : all()) pool->drain();  // who fails a waiter may make others
  lines_.keepOnly({});
}

void WorkerPools::abandon() {
  const ClusterUse until_done(*this);
  retired_ = true;
  among_ = nullptr;
  lines_.closeAll();
  for (Pools& pools : pools_) pools.clear();
  named_.clear();
  draining_.clear();
}

void WorkerPools::onPoolEmpty(Pool& pool) {
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

}  // namespace weir::cluster
