// A HistogramSnapshot is what one histogram held at one moment, kept as the buckets that are not
// empty. Values are in the histogram's own unit (microseconds, bytes or a plain number). A plain
// value type; no thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "weir/stats.h"

namespace weir::telemetry {

class HistogramSnapshot {
 public:
  struct Bucket {
    uint32_t index;
    uint64_t count;
  };

  HistogramSnapshot() = default;
  // From the summed cells of a histogram: Histogram::kBuckets counts, then the sum.
  explicit HistogramSnapshot(std::span<const uint64_t> cells);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  bool empty() const { return count_ == 0; }

  // The value below which `q` (0..1) of the records lie, interpolated inside its bucket. NaN when
  // empty. O(buckets in use).
  double quantile(double q) const;
  // How many records are <= bound, a bucket that straddles it being split in proportion.
  uint64_t countUpTo(uint64_t bound) const;
  // The records made since `earlier`, an older snapshot of the same histogram.
  HistogramSnapshot since(const HistogramSnapshot& earlier) const;

 private:
  std::vector<Bucket> buckets_;  // by index
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

// Envoy's quantiles and default bucket bounds (in shown units: milliseconds for times).
inline constexpr std::array<double, 10> kQuantiles = {0,    0.25, 0.5,   0.75,  0.9,
                                                      0.95, 0.99, 0.995, 0.999, 1};
inline constexpr std::array<double, 19> kBucketBounds = {
    0.5,  1,    5,     10,    25,    50,     100,    250,     500,    1000,
    2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000};

// Own units in one shown unit: 1000 for microseconds (shown as ms), else 1.
constexpr double shownScale(Histogram::Unit unit) {
  return unit == Histogram::Unit::Microseconds ? 1000.0 : 1.0;
}

}  // namespace weir::telemetry
