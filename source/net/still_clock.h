// A clock that a test moves.
#pragma once

#include <chrono>

#include "source/net/loop.h"

namespace weir::net {

struct StillClock final : Clock {
  SteadyTime at{std::chrono::hours(1000)};
  SteadyTime now() override { return at; }
};

}  // namespace weir::net
