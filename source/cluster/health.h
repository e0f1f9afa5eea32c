// What is known of an endpoint's health, and how many endpoints there are of each kind.
#pragma once

#include <cstdint>

namespace weir::cluster {

// Degraded: for what the healthy ones cannot take. Draining: it leaves of its own will, so it gets
// nothing, and counts neither as healthy nor as lost.
enum class Health : uint8_t { Healthy, Degraded, Unhealthy, Draining };

// Of a set or of one priority: endpoints, or their weights.
struct Tally {
  uint64_t all = 0, healthy = 0, degraded = 0, draining = 0;

  void add(Health health, uint64_t amount = 1) {
    all += amount;
    if (health == Health::Healthy) healthy += amount;
    if (health == Health::Degraded) degraded += amount;
    if (health == Health::Draining) draining += amount;
  }
  uint64_t available() const { return healthy + degraded; }
  uint64_t expected() const { return all - draining; }
};

}  // namespace weir::cluster
