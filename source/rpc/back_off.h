// How long to wait before the next attempt: a random part of a bound that doubles with each one.
// Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace weir::rpc {

class BackOff {
 public:
  struct Bounds {
    std::chrono::milliseconds base{500};
    std::chrono::milliseconds most{30'000};
  };

  explicit BackOff(Bounds bounds) : bounds_(bounds), bound_(bounds.base) {}

  // At least a millisecond, so that no loop runs hot.
  std::chrono::milliseconds next(uint64_t random) {
    const auto bound = static_cast<uint64_t>(std::max<int64_t>(bound_.count(), 1));
    bound_ = std::min(bound_ * 2, bounds_.most);
    return std::chrono::milliseconds(1 + random % bound);
  }
  void reset() { bound_ = bounds_.base; }

 private:
  const Bounds bounds_;
  std::chrono::milliseconds bound_;
};

}  // namespace weir::rpc
