// A loop whose clock the test moves, and a place for statistics.
#pragma once

#include <chrono>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"

namespace weir::live {

struct VirtualTime {
  void pass(std::chrono::milliseconds time) {
    clock.at += time;
    net::Loop::Turn turn(loop);
    loop.timers().advance(clock.at);
  }

  net::StillClock clock;
  net::Loop loop{&clock};
  StatStore stats;
};

}  // namespace weir::live
