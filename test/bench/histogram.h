// A Histogram counts durations in buckets of constant relative width (as HdrHistogram does): each
// power of two is split into 128 parts, so a quantile is at most 0.8 % above the true one, from
// nanoseconds to hours, in 60 KB and with one increment per value.
//
// One owner, one thread. Values are nanoseconds.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace weir::bench {

class Histogram {
 public:
  void record(std::uint64_t value) {
    ++buckets_[indexOf(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  void clear() { *this = Histogram(); }

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }

  // The smallest bucket bound that at least `fraction` of the values do not exceed; 0 when empty.
  std::uint64_t quantile(double fraction) const {
    const double rank = std::ceil(fraction * static_cast<double>(count_));
    const auto wanted = static_cast<std::uint64_t>(rank);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted && seen > 0) return std::min(upperBound(i), max_);
    }
    return max_;
  }

 private:
  static constexpr int kPartBits = 7;
  static constexpr std::size_t kParts = std::size_t{1} << kPartBits;

  // Values below kParts have a bucket each; above, the leading bit picks the group and the next
  // kPartBits bits the bucket in it.
  static std::size_t indexOf(std::uint64_t value) {
    if (value < kParts) return static_cast<std::size_t>(value);
    const int shift = std::bit_width(value) - 1 - kPartBits;
    return static_cast<std::size_t>(shift + 1) * kParts + ((value >> shift) - kParts);
  }

  static std::uint64_t upperBound(std::size_t index) {
    if (index < kParts) return index;
    const std::size_t shift = index / kParts - 1;
    return ((index % kParts + kParts + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kPartBits + 1) * kParts> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace weir::bench
