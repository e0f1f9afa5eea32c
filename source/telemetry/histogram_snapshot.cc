#include "source/telemetry/histogram_snapshot.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace weir::telemetry {
namespace {

// Largest whole value that falls into the bucket.
uint64_t bucketCeiling(uint32_t bucket) {
  if (bucket + 1 >= Histogram::kBuckets) return (uint64_t{1} << Histogram::kMaxBits) - 1;
  return Histogram::bucketFloor(bucket + 1) - 1;
}

}  // namespace

HistogramSnapshot::HistogramSnapshot(std::span<const uint64_t> cells) {
  for (uint32_t i = 0; i < Histogram::kBuckets; ++i) {
    if (cells[i] == 0) continue;
    buckets_.push_back({i, cells[i]});
    count_ += cells[i];
  }
  sum_ = cells[Histogram::kBuckets];
}

double HistogramSnapshot::quantile(double q) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = q * static_cast<double>(count_);
  double before = 0;
  for (const Bucket& bucket : buckets_) {
    const auto inside = static_cast<double>(bucket.count);
    if (before + inside >= wanted) {
      const auto low = static_cast<double>(Histogram::bucketFloor(bucket.index));
      const auto high = static_cast<double>(bucketCeiling(bucket.index));
      return low + (high - low) * std::max(0.0, wanted - before) / inside;
    }
    before += inside;
  }
  return static_cast<double>(bucketCeiling(buckets_.back().index));
}

uint64_t HistogramSnapshot::countUpTo(uint64_t bound) const {
  uint64_t total = 0;
  for (const Bucket& bucket : buckets_) {
    const uint64_t low = Histogram::bucketFloor(bucket.index);
    const uint64_t high = bucketCeiling(bucket.index);
    if (low > bound) break;
    if (high <= bound) {
      total += bucket.count;
      continue;
    }
    const double share = static_cast<double>(bound - low + 1) / static_cast<double>(high - low + 1);
    total += static_cast<uint64_t>(static_cast<double>(bucket.count) * share);
  }
  return total;
}

HistogramSnapshot HistogramSnapshot::since(const HistogramSnapshot& earlier) const {
  HistogramSnapshot result;
  auto old = earlier.buckets_.begin();
  for (const Bucket& bucket : buckets_) {
    while (old != earlier.buckets_.end() && old->index < bucket.index) ++old;
    const bool same = old != earlier.buckets_.end() && old->index == bucket.index;
    const uint64_t added = bucket.count - (same ? old->count : 0);
    if (added == 0) continue;
    result.buckets_.push_back({bucket.index, added});
    result.count_ += added;
  }
  result.sum_ = sum_ - earlier.sum_;
  return result;
}

}  // namespace weir::telemetry
