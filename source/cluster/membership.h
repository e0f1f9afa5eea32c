// How many endpoints a cluster has, under Envoy's names ("cluster.<name>.membership_total"). Two
// versions of a cluster may count at one time, so each adds and takes away its own. Any thread.
#pragma once

#include <cstddef>

#include "weir/stats.h"

namespace weir::cluster {

class Membership {
 public:
  explicit Membership(const StatScope& scope)
      : change_(scope.counter("membership_change")),
        total_(scope.gauge("membership_total")),
        healthy_(scope.gauge("membership_healthy")) {}

  void change(size_t from, size_t to) const {
    if (to >= from) {
      total_.add(to - from);
      healthy_.add(to - from);
    } else {
      total_.sub(from - to);
      healthy_.sub(from - to);
    }
  }
  // Of every set that is published.
  void countChange() const { change_.add(); }

 private:
  Counter change_;
  Gauge total_, healthy_;
};

}  // namespace weir::cluster
