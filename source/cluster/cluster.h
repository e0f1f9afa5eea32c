// A Cluster is a named group of endpoints and how to reach them: settings checked once, shared by
// all workers and immutable, but for its endpoints (published by discovery on the main thread) and
// the counts its circuit breakers need. Each worker uses it through its own WorkerCluster.
//
// Clusters have dense slots: routes hold the slot, not the name.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "source/cluster/cluster_settings.h"
#include "source/cluster/cluster_stats.h"
#include "source/cluster/endpoint.h"
#include "source/cluster/membership.h"
#include "weir/stats.h"

namespace weir::cluster {

// A count with a ceiling, shared by all workers. Workers that look at the same moment may overshoot
// by one each.
class Budget {
 public:
  bool full(uint32_t max) const { return taken() >= max; }
  void take() { taken_.fetch_add(1, std::memory_order_relaxed); }
  void give() { taken_.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> taken_{0};
};

// What the thresholds of one priority are compared with.
struct Budgets {
  Budget connections, pending, requests, retries;

  bool retriesFull(const Limits& limits) const;
};

class Cluster {
 public:
  Cluster(uint32_t slot, ClusterSettings settings, StatScope stats)
      : slot_(slot), settings_(std::move(settings)), scope_(std::move(stats)) {}

  uint32_t slot() const { return slot_; }
  const std::string& name() const { return settings_.name; }
  const ClusterSettings& settings() const { return settings_; }
  // Made at the first call, any thread: an unused cluster has none.
  const ClusterStats& stats() const {
    const ClusterStats* stats = stats_seen_.load(std::memory_order_acquire);
    return stats != nullptr ? *stats : makeStats();
  }
  const StatScope& statScope() const { return scope_; }

  // What discovery said last. Any thread; workers keep their own copy (WorkerClusters::update).
  EndpointSetPtr endpoints() const {
    std::lock_guard lock(mutex_);
    return endpoints_;
  }
  void publish(EndpointSetPtr endpoints) {
    std::lock_guard lock(mutex_);
    endpoints_ = std::move(endpoints);
  }
  // Another cluster, or none, has its name now: its endpoints count as members no more. Any thread,
  // any number of times.
  void withdraw();

  const Limits& limits(Priority priority) const {
    return priority == Priority::High ? settings_.high_limits : settings_.limits;
  }
  Budgets& budgets(Priority priority) const { return budgets_[static_cast<size_t>(priority)]; }

 private:
  const uint32_t slot_;
  const ClusterSettings settings_;
  const StatScope scope_;
  const ClusterStats& makeStats() const;

  mutable std::array<Budgets, 2> budgets_;
  mutable std::atomic<const ClusterStats*> stats_seen_{nullptr};
  mutable std::unique_ptr<ClusterStats> stats_;
  mutable std::mutex mutex_;
  mutable size_t members_ = 0;  // that membership_total has of it; of Static discovery
  bool withdrawn_ = false;
  EndpointSetPtr endpoints_ = std::make_shared<const EndpointSet>();
};

using ClusterPtr = std::shared_ptr<Cluster>;

}  // namespace weir::cluster
