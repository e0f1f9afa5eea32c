// A ConnectionLimit is a ceiling on the connections of the whole process. Shared by the listeners
// it counts for; any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "weir/runtime.h"

namespace weir::listener {

class ConnectionLimit {
 public:
  explicit ConnectionLimit(uint64_t most, RuntimeKey instead = {})
      : most_(most), instead_(std::move(instead)) {}

  // False: there are as many as there may be.
  bool take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < instead_.number().value_or(most_))
      return true;
    give();
    return false;
  }
  void give(uint64_t count = 1) { taken_.fetch_sub(count, std::memory_order_relaxed); }
  // Of what is there already, however many that makes.
  void add(uint64_t count = 1) { taken_.fetch_add(count, std::memory_order_relaxed); }

 private:
  const uint64_t most_;
  const RuntimeKey instead_;  // while it has a number
  std::atomic<uint64_t> taken_{0};
};

}  // namespace weir::listener
