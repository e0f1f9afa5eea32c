// A Drain is how connections are asked to leave: over `time`, at whose end what is left is closed.
// A DrainPeriod is one that has begun. Values.
#pragma once

#include <chrono>

#include "source/net/timer_wheel.h"
#include "source/overload/actions.h"

namespace weir::listener {

struct Drain {
  std::chrono::milliseconds time{600'000};  // --drain-time-s
  // --drain-strategy: the share of responses that end their connection grows from none to all over
  // the time. Else every one does.
  bool gradual = false;
};

struct DrainPeriod {
  DrainPeriod(net::SteadyTime now, const Drain& drain)
      : begin(now), end(now + drain.time), gradual(drain.gradual) {}

  overload::Share share(net::SteadyTime now) const {
    if (!gradual || now >= end) return overload::kAll;
    const std::chrono::duration<double> passed = now - begin, whole = end - begin;
    return static_cast<overload::Share>(passed / whole * overload::kAll);
  }

  net::SteadyTime begin, end;
  bool gradual;
};

}  // namespace weir::listener
