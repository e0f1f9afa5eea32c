// A StatStore knows the names, kinds and tags of every stat of a server, and reads their values by
// summing the threads' cells. One a server. Making handles takes a mutex: any thread but a worker,
// while a Plan is built. The same name and kind give the same handle; metrics are never removed.
// Reading is safe from any thread at any time and disturbs no worker.
//
// When the process has no cells left, new handles count into nowhere and `stats.overflow` says how
// many were refused.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/telemetry/histogram_snapshot.h"
#include "source/telemetry/stat_cells.h"
#include "weir/stats.h"

namespace weir {

// Label names and values, outermost scope first.
using StatTags = std::vector<std::pair<std::string, std::string>>;

enum class StatKind : uint8_t { Counter, Gauge, Histogram };

// One named stat. Immutable once made, at a stable address, except for what resetCounters() keeps.
struct Metric {
  std::string name;           // "cluster.a.upstream_rq_200"
  const std::string* family;  // "cluster.upstream_rq", shared by all metrics of the family
  const StatTags* tags;       // shared by all metrics of the scope
  StatKind kind;
  Histogram::Unit unit = Histogram::Unit::None;
  uint32_t cell = 0;
  mutable std::atomic<uint64_t> base{0};  // the sum at the last reset

  Metric(std::string_view n, const std::string* f, const StatTags* t, StatKind k)
      : name(n), family(f), tags(t), kind(k) {}
};

class StatStore {
 public:
  using MetricList = std::vector<const Metric*>;

  // `max_cells` bounds what this store may take of the process's cells.
  explicit StatStore(uint32_t max_cells = telemetry::kCellsPerBlock);
  StatStore(const StatStore&) = delete;
  StatStore& operator=(const StatStore&) = delete;

  Counter counter(std::string_view name, std::string_view family, const StatTags& tags);
  Gauge gauge(std::string_view name, std::string_view family, const StatTags& tags);
  Histogram histogram(std::string_view name, std::string_view family, const StatTags& tags,
                      Histogram::Unit unit);
  // A text readout ("server.version"): set as often as wanted.
  void setText(std::string_view name, std::string_view value);

  // Counters since the last reset; gauges as they are, never below 0 (a count moved between two
  // threads may be seen leaving before it is seen arriving).
  uint64_t value(const Metric& metric) const;
  // By name, for tests and admin: nothing when there is no counter or gauge of that name.
  std::optional<uint64_t> value(std::string_view name) const;
  bool isUsed(const Metric& metric) const;

  telemetry::HistogramSnapshot cumulative(const Metric& metric) const;
  // What was recorded between the last two flushes.
  telemetry::HistogramSnapshot interval(const Metric& metric) const;
  // Called every stats_flush_interval by one thread. O(histograms), cheap for those at rest.
  void flushInterval();
  void resetCounters();

  // All metrics sorted by name; the list stays valid as long as the store.
  std::shared_ptr<const MetricList> sorted() const;
  std::map<std::string, std::string, std::less<>> texts() const;

 private:
  struct Interval {
    telemetry::HistogramSnapshot at_flush;  // cumulative at the last flush
    telemetry::HistogramSnapshot last;      // between the last two
  };

  const Metric& metricOf(StatKind kind, std::string_view name, std::string_view family,
                         const StatTags& tags, Histogram::Unit unit);
  uint32_t takeCells(StatKind kind);

  const uint32_t max_cells_;
  mutable std::mutex mutex_;  // guards everything down to interval_mutex_
  uint32_t cells_taken_ = 0;
  std::deque<Metric> metrics_;
  std::unordered_map<std::string_view, const Metric*>
      by_name_[3];  // by kind; keys are Metric::name
  std::set<std::string, std::less<>> families_;
  std::set<StatTags> tag_sets_;
  std::map<std::string, std::string, std::less<>> texts_;
  mutable std::shared_ptr<const MetricList> sorted_;
  Counter overflow_;

  mutable std::mutex interval_mutex_;
  std::unordered_map<uint32_t, Interval> intervals_;  // by cell; only histograms that were used
};

}  // namespace weir
