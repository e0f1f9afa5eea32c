// A Keepalive says when an HTTP/2 connection pings its peer, and when it takes it for dead: Envoy's
// KeepaliveSettings. One ping is out at a time; whatever the peer sends while it is gives it
// another `timeout`, as bytes that arrive show that the connection works. It has no clock: its
// owner tells the time and wakes it at deadline(). One connection, one worker.
//
//   start (onInput | onRequest | onTimer | onAck)*
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "source/net/timer_wheel.h"

namespace weir::http2 {

class Keepalive {
 public:
  using SteadyTime = net::SteadyTime;

  struct Options {
    std::chrono::milliseconds interval{0};  // between an answer and the next ping; 0: no such pings
    std::chrono::milliseconds timeout{0};   // for the answer; 0: no keep-alive at all
    std::chrono::milliseconds idle{0};      // a request after so long a silence pings first; 0: not
    double jitter_percent = 15;             // of the interval, at most, and added to it
  };
  enum class Action : uint8_t { None, Ping, Dead };

  static constexpr uint64_t kOpaque = 0x776569722d6b6100;  // of its pings: "weir-ka"

  explicit Keepalive(const Options& options) : options_(options) {}

  // `random` spreads the pings of connections that were made together.
  void start(SteadyTime now, uint64_t random) {
    last_input_ = now;
    schedule(now, random);
  }
  void onInput(SteadyTime now) {
    last_input_ = now;
    if (waiting()) dead_at_ = now + options_.timeout;
  }
  // A request is about to be sent. True: ping first.
  bool onRequest(SteadyTime now) {
    if (options_.idle.count() == 0 || waiting() || last_input_ + options_.idle > now) return false;
    ping(now);
    return true;
  }
  void onAck(SteadyTime now, uint64_t random) {
    dead_at_ = SteadyTime::max();
    schedule(now, random);
  }
  // When to call onTimer(); max(): not at all.
  SteadyTime deadline() const { return std::min(next_ping_, dead_at_); }
  Action onTimer(SteadyTime now) {
    if (now >= dead_at_) return Action::Dead;
    if (now < next_ping_) return Action::None;
    ping(now);
    return Action::Ping;
  }

 private:
  bool waiting() const { return dead_at_ != SteadyTime::max(); }
  void ping(SteadyTime now) {
    next_ping_ = SteadyTime::max();
    dead_at_ = now + options_.timeout;
  }
  void schedule(SteadyTime now, uint64_t random) {
    if (options_.interval.count() == 0) return;
    const double share = static_cast<double>(random % 1000) / 1000 * options_.jitter_percent / 100;
    const double extra = share * static_cast<double>(options_.interval.count());
    next_ping_ = now + options_.interval + std::chrono::milliseconds(static_cast<int64_t>(extra));
  }

  const Options& options_;
  SteadyTime last_input_{};
  SteadyTime next_ping_ = SteadyTime::max();
  SteadyTime dead_at_ = SteadyTime::max();
};

}  // namespace weir::http2
