// How many endpoints a cluster has, under Envoy's names ("cluster.<name>.membership_total"). Two
// versions of a cluster may count at one time, so each adds and takes away its own. Any thread.
#pragma once

#include "source/cluster/endpoint.h"
#include "source/cluster/health.h"
#include "weir/stats.h"

namespace weir::cluster {

inline Tally membersOf(const EndpointSet& endpoints) {
  Tally members;
  for (const EndpointPtr& endpoint : endpoints.all) members.add(endpoint->health);
  return members;
}

class Membership {
 public:
  explicit Membership(const StatScope& scope)
      : change_(scope.counter("membership_change")),
        total_(scope.gauge("membership_total")),
        healthy_(scope.gauge("membership_healthy")),
        degraded_(scope.gauge("membership_degraded")),
        excluded_(scope.gauge("membership_excluded")) {}

  void change(const Tally& from, const Tally& to) const {
    move(total_, from.all, to.all);
    move(healthy_, from.healthy, to.healthy);
    move(degraded_, from.degraded, to.degraded);
    move(excluded_, from.draining, to.draining);
  }
  // Of every set that is published.
  void countChange() const { change_.add(); }

 private:
  static void move(const Gauge& gauge, uint64_t from, uint64_t to) {
    if (to > from) gauge.add(to - from);
    if (to < from) gauge.sub(from - to);
  }

  Counter change_;
  Gauge total_, healthy_, degraded_, excluded_;
};

}  // namespace weir::cluster
