// Stats: counters, gauges and histograms that cost one plain increment. A handle is an index into
// a block of cells that every thread has for itself; readers sum the blocks (telemetry/). Handles
// are made once, when a Plan is built, on the main thread; they are then used from any thread and
// stay valid for the life of the process. The same name gives the same handle.
//
// Names are Envoy's dotted ones ("http.ingress.downstream_rq_total"). The variable parts of a name
// are tags: they become labels for Prometheus and disappear from the family's name.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

class StatStore;  // telemetry/stat_store.h: names, kinds, every thread's cells

namespace stats {
using Cell = std::atomic<uint64_t>;
// This thread's cells; null until its first use or until telemetry::StatThread attaches it.
extern constinit thread_local Cell* t_cells;
[[gnu::cold]] Cell* attachShared();  // gives the thread a block of its own
inline Cell* cells() {
  Cell* const own = t_cells;
  return own != nullptr ? own : attachShared();
}
// In line: a call would cost more than the count.
[[gnu::always_inline]] inline void bump(uint32_t id, uint64_t by) {
  Cell& cell = cells()[id];
  cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}
}  // namespace stats

class Counter {
 public:
  Counter() = default;  // counts into cell 0, which nobody reads
  explicit Counter(uint32_t cell) : cell_(cell) {}
  [[gnu::always_inline]] void add(uint64_t by = 1) const { stats::bump(cell_, by); }
  uint32_t cell() const { return cell_; }

 private:
  uint32_t cell_ = 0;
};

// A gauge is a sum of what threads added and took away: a count of things that exist now.
class Gauge {
 public:
  Gauge() = default;
  explicit Gauge(uint32_t cell) : cell_(cell) {}
  void add(uint64_t by = 1) const { stats::bump(cell_, by); }
  void sub(uint64_t by = 1) const { stats::bump(cell_, uint64_t{0} - by); }
  // For a value with one writer thread (server.live, membership): sets this thread's share.
  void set(uint64_t value) const { stats::cells()[cell_].store(value, std::memory_order_relaxed); }
  uint32_t cell() const { return cell_; }

 private:
  uint32_t cell_ = 0;
};

// Log-linear: 16 sub-buckets for each power of two, so a quantile is right to 6 %. Values from 0 to
// 2^36 - 1; larger ones count in the last bucket. Layout: kBuckets cells, then the sum.
class Histogram {
 public:
  enum class Unit : uint8_t {
    Microseconds,
    Bytes,
    None
  };  // Microseconds are shown as milliseconds
  static constexpr uint32_t kSubBits = 4;
  static constexpr uint32_t kMaxBits = 36;
  static constexpr uint32_t kBuckets = (kMaxBits - kSubBits + 1) << kSubBits;
  static constexpr uint32_t kCells = kBuckets + 1;

  Histogram() = default;
  explicit Histogram(uint32_t cell) : cell_(cell) {}
  void record(uint64_t value) const {
    stats::bump(cell_ + bucketOf(value), 1);
    stats::bump(cell_ + kBuckets, value);
  }
  uint32_t cell() const { return cell_; }

  static constexpr uint32_t bucketOf(uint64_t value) {
    if (value < (1u << kSubBits)) return static_cast<uint32_t>(value);
    const auto exponent = static_cast<uint32_t>(63 - std::countl_zero(value));
    if (exponent >= kMaxBits) return kBuckets - 1;
    const auto sub = static_cast<uint32_t>(value >> (exponent - kSubBits)) & ((1u << kSubBits) - 1);
    return ((exponent - kSubBits + 1) << kSubBits) + sub;
  }
  // Smallest value that falls into the bucket.
  static constexpr uint64_t bucketFloor(uint32_t bucket) {
    if (bucket < (1u << kSubBits)) return bucket;
    const uint32_t exponent = (bucket >> kSubBits) + kSubBits - 1;
    const uint64_t sub = bucket & ((1u << kSubBits) - 1);
    return (uint64_t{1} << exponent) + (sub << (exponent - kSubBits));
  }

 private:
  // Cells 1..kCells of every block belong to handles made without a store (tests).
  uint32_t cell_ = 1;
};

// A StatScope is a place in the tree of names. Cheap to copy. A default-made scope hands out
// handles that count into nowhere.
class StatScope {
 public:
  StatScope() = default;
  explicit StatScope(StatStore& store) : store_(&store) {}

  Counter counter(std::string_view name) const;
  Gauge gauge(std::string_view name) const;
  Histogram histogram(std::string_view name, Histogram::Unit unit) const;
  // A counter whose own name holds a tag: family "upstream_rq", name "upstream_rq_200",
  // tag envoy_response_code="200".
  Counter counter(std::string_view name, std::string_view family, std::string_view tag,
                  std::string_view value) const;

  // "http" -> "http.…", in the name and in the Prometheus family.
  StatScope scope(std::string_view segment) const;
  // A segment that is data: kept in the dotted name, cut out of the family, shown as a label.
  // `tag` is the label's name ("envoy_cluster_name").
  StatScope tagged(std::string_view value, std::string_view tag) const;

 private:
  StatStore* store_ = nullptr;
  std::string prefix_;  // "http.ingress."
  std::string family_;  // "http."
  std::vector<std::pair<std::string, std::string>> tags_;
};

}  // namespace weir
