// A loop whose clock the test moves, and a place for statistics.
#pragma once

#include <chrono>

#include "source/net/loop.h"
#include "source/telemetry/stat_store.h"

namespace weir::live {

struct VirtualTime {
  struct Clock final : net::Clock {
    net::SteadyTime at{std::chrono::hours(1000)};
    net::SteadyTime now() override { return at; }
  };

  void pass(std::chrono::milliseconds time) {
    clock.at += time;
    net::Loop::Turn turn(loop);
    loop.timers().advance(clock.at);
  }

  Clock clock;
  net::Loop loop{&clock};
  StatStore stats;
};

}  // namespace weir::live
