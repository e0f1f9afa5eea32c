// MethodStats is where one filter configuration's counters are: for each cluster, and of those
// methods that count for themselves for each method, one MethodCounts, made at its first call. A
// client that invents methods cannot make more than kMost of them: further ones count where
// methods without counters of their own do. Shared by all workers, each of which has a MethodCache
// in front, so that the lock is taken once for each method and worker.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "weir/grpc.h"
#include "weir/stats.h"

namespace weir::filters::grpc_stats {

// Immutable but for the counters of single statuses, which appear when they are first counted.
class MethodCounts {
 public:
  MethodCounts(StatScope scope, bool upstream_time);

  Counter request_messages, response_messages;
  // Numbers without a name count as UNKNOWN.
  void countStatus(uint32_t status) const;
  // Does nothing where that is not configured.
  void recordUpstreamTime(std::chrono::nanoseconds time) const;

 private:
  static constexpr uint32_t kStatuses = 17;

  StatScope scope_;
  Counter success_, failure_, total_;
  Histogram time_;
  bool has_time_;
  mutable std::array<std::atomic<uint32_t>, kStatuses> statuses_{};  // cells; 0: not made yet
};

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// One worker's.
struct MethodCache {
  std::unordered_map<std::string, const MethodCounts*, TextHash, std::equal_to<>> known;
  std::string key;  // room to put one together
};

class MethodStats {
 public:
  static constexpr size_t kMost = 1000;

  struct Choice {
    bool every_method = false;
    bool upstream_time = false;
    bool replaces_dots = false;
    std::unordered_set<std::string, TextHash, std::equal_to<>> methods;  // "service/name"
  };

  // `overflow` counts calls of methods that would have got counters of their own.
  MethodStats(Choice choice, Counter overflow) : choice_(std::move(choice)), overflow_(overflow) {}

  // Any thread, each with its own cache. `cluster` names what `scope` belongs to.
  const MethodCounts& find(MethodCache& cache, const StatScope& scope, std::string_view cluster,
                           const grpc::Method& method);

 private:
  // Null: the method would be one too many.
  const MethodCounts* make(const std::string& key, const StatScope& scope,
                           const grpc::Method* method);

  const Choice choice_;
  const Counter overflow_;
  std::shared_mutex mutex_;  // a client that invents methods asks again and again
  std::unordered_map<std::string, std::unique_ptr<const MethodCounts>> made_;
  size_t methods_ = 0;
};

}  // namespace weir::filters::grpc_stats
