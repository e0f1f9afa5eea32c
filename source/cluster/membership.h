// How many endpoints a cluster has, under Envoy's names ("cluster.<name>.membership_total"). One
// writer: the main thread.
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

  // For every set that is published.
  void publish(size_t endpoints) const {
    change_.add();
    total_.set(endpoints);
    healthy_.set(endpoints);
  }

 private:
  Counter change_;
  Gauge total_, healthy_;
};

}  // namespace weir::cluster
