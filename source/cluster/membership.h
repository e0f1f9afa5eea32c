// How many endpoints a cluster has, under Envoy's names ("cluster.<name>.membership_total").
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

  // For every set that is published, by the one thread that does so.
  void publish(size_t endpoints) const {
    change_.add();
    total_.set(endpoints);
    healthy_.set(endpoints);
  }
  // For a set that never changes: once when the cluster comes and once when it goes. Any thread.
  void enter(size_t endpoints) const {
    change_.add();
    total_.add(endpoints);
    healthy_.add(endpoints);
  }
  void leave(size_t endpoints) const {
    total_.sub(endpoints);
    healthy_.sub(endpoints);
  }

 private:
  Counter change_;
  Gauge total_, healthy_;
};

}  // namespace weir::cluster
