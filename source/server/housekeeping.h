// Housekeeping is what the main thread does by the clock: it closes the statistics' interval, and
// gives memory back to the system when many connections, or much of a configuration, have gone.
// Lives in the Server.
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
  // Below, there is little to give.
  static constexpr uint64_t kGone = 500, kMessageBytes = 8 << 20;

  // Of all time: connections that were closed, clusters and listeners that went or changed; and
  // bytes that control planes have sent.
  Housekeeping(net::Loop& loop, StatStore& stats, std::function<uint64_t()> gone,
               std::function<uint64_t()> message_bytes)
      : loop_(loop),
        stats_(stats),
        gone_{std::move(gone), kGone},
        messages_{std::move(message_bytes), kMessageBytes},
        timer_(*this) {}

  // Makes free() give the end of a heap back. Before the first thread.
  static void boundHeaps();

  void start(std::chrono::milliseconds flush_interval);

 private:
  // What leaves holes behind. It is worth a trim when there was enough of it since the last one,
  // and not while it still ebbs: workers wait for their heap meanwhile.
  struct Tide {
    bool isOver();
    void trimmed() { when_trimmed = seen; }

    const std::function<uint64_t()> total;
    const uint64_t worth;
    uint64_t seen = 0;  // at the last look
    uint64_t when_trimmed = 0;
  };

  void onTimer() override;
  void trim();

  net::Loop& loop_;
  StatStore& stats_;
  Tide gone_, messages_;
  net::Timer timer_;
  std::chrono::milliseconds flush_interval_{5000};
  net::SteadyTime flushed_{};
};

}  // namespace weir::server
