// A RequestPace says when the next request to a control plane may leave (rate_limit_settings of an
// ApiConfigSource): a bucket of tokens, full in the beginning, of which each request takes one.
// Without settings every request may leave at once. Main thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "source/net/timer_wheel.h"

namespace weir::xds {

class RequestPace {
 public:
  struct Settings {
    uint32_t most = 0;      // tokens; 0: no limit
    double per_second = 0;  // that are added; more than 0
  };

  explicit RequestPace(const Settings& settings) : settings_(settings), tokens_(settings.most) {}

  // Zero: now, and a token is taken; else in how long there will be one.
  net::SteadyTime::duration take(net::SteadyTime now);

 private:
  const Settings settings_;
  double tokens_;
  net::SteadyTime filled_{};
};

}  // namespace weir::xds
