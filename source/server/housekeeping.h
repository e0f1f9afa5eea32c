// Housekeeping is what the main thread does by the clock: it closes the statistics' interval, and
// gives memory back to the system when many connections have gone. Lives in the Server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "source/net/loop.h"
#include "source/telemetry/stat_store.h"

namespace weir::server {

class Housekeeping final : net::TimerUser {
 public:
  static constexpr std::chrono::seconds kLook{1};
  static constexpr uint64_t kWorthTrimming = 500;  // connections; below, there is little to give

  Housekeeping(net::Loop& loop, StatStore& stats, std::function<uint64_t()> closed_connections)
      : loop_(loop),
        stats_(stats),
        closed_connections_(std::move(closed_connections)),
        timer_(*this) {}

  // Makes free() give the end of a heap back. Before the first thread.
  static void boundHeaps();

  void start(std::chrono::milliseconds flush_interval);

 private:
  void onTimer() override;
  void trim();

  net::Loop& loop_;
  StatStore& stats_;
  const std::function<uint64_t()> closed_connections_;
  net::Timer timer_;
  std::chrono::milliseconds flush_interval_{5000};
  net::SteadyTime flushed_{};
  uint64_t closed_ = 0;  // connections, at the last look
  uint64_t closed_when_trimmed_ = 0;
};

}  // namespace weir::server
