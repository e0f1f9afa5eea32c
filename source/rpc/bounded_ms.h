// Durations that somebody else wrote, as milliseconds that a deadline can be made of: from nothing
// to ten years. Pure.
#pragma once

#include <google/protobuf/duration.pb.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace weir::rpc {

inline std::chrono::milliseconds boundedMs(const google::protobuf::Duration& duration) {
  constexpr std::chrono::seconds kMost = std::chrono::years(10);
  if (duration.seconds() >= kMost.count()) return kMost;
  const std::chrono::milliseconds ms(std::max<int64_t>(duration.seconds(), 0) * 1000 +
                                     duration.nanos() / 1'000'000);
  return std::max(ms, std::chrono::milliseconds(0));
}

}  // namespace weir::rpc
