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
  // `former`: the version whose connections go on with this one: its settings make the same ones
  // (sameConnections()), and TLS is the same object. They are counted together. Null: none.
  Cluster(uint32_t slot, ClusterSettings settings, StatScope stats,
          const Cluster* former = nullptr);

  uint32_t slot() const { return slot_; }
  const std::string& name() const { return settings_.name; }
  const ClusterSettings& settings() const { return settings_; }
  // Made at the first call, any thread: an unused cluster has none.
  const ClusterStats& stats() const {
    const ClusterStats* stats = stats_seen_.load(std::memory_order_acquire);
    return stats != nullptr ? *stats : makeStats();
  }
  const StatScope& statScope() const { return scope_; }
  bool continues(const Cluster& former) const { return shared_ == former.shared_; }
  // As in the settings; lives as long as any version that goes on with the same connections.
  const http2::Options& http2() const { return shared_->http2; }

  // What discovery said last. Any thread; workers keep their own copy (WorkerClusters::update).
  EndpointSetPtr endpoints() const {
    std::lock_guard lock(mutex_);
    return endpoints_;
  }
  void publish(EndpointSetPtr endpoints);
  // It has its name now: its endpoints count as members (membership_total), at the latest when it
  // is first used. Not after withdraw(). Any thread, any number of times.
  void enter();
  // Another cluster, or none, has its name now: its endpoints count as members no more. Any thread,
  // any number of times.
  void withdraw();

  const Limits& limits(Priority priority) const {
    return priority == Priority::High ? settings_.high_limits : settings_.limits;
  }
  Budgets& budgets(Priority priority) const {
    return shared_->budgets[static_cast<size_t>(priority)];
  }

 private:
  // What versions with the same connections have in common.
  struct Shared {
    explicit Shared(const http2::Options& options) : http2(options) {}

    std::array<Budgets, 2> budgets;
    const http2::Options http2;
    std::mutex mutex;  // of stats, while they are made
    std::unique_ptr<const ClusterStats> stats;
  };

  const uint32_t slot_;
  const ClusterSettings settings_;
  const StatScope scope_;
  const ClusterStats& makeStats() const;
  void enterLocked() const;

  const std::shared_ptr<Shared> shared_;
  mutable std::atomic<const ClusterStats*> stats_seen_{nullptr};
  mutable std::mutex mutex_;
  mutable Tally members_;  // that membership_total and the like have of it
  mutable bool entered_ = false;
  bool withdrawn_ = false;
  EndpointSetPtr endpoints_ = std::make_shared<const EndpointSet>();
};

using ClusterPtr = std::shared_ptr<Cluster>;

}  // namespace weir::cluster
