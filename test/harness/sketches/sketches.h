// The filters that the SDK's README sketches, as filters: each install…() is what the name says, to
// be given to test::Config::knowing().
#pragma once

#include <google/protobuf/duration.pb.h>

#include <chrono>

#include "weir/filter_registry.h"

namespace weir::sketches {

inline std::chrono::milliseconds millis(const google::protobuf::Duration& time) {
  return std::chrono::milliseconds(time.seconds() * 1000 + time.nanos() / 1'000'000);
}

void installAggregation(FilterRegistry& registry);
void installCircuitBreaker(FilterRegistry& registry);
void installJwtKeys(FilterRegistry& registry);
void installRedisLimit(FilterRegistry& registry);

}  // namespace weir::sketches
