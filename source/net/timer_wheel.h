// A TimerWheel holds the deadlines of one worker: four levels of 64 slots, 10 ms a tick, about
// 46 hours at most (longer deadlines are clamped). A Timer is intrusive: it lives in the object it
// times, which the wheel never owns; destroying the Timer disarms it. Arming and disarming are
// O(1), a timer moved later costs one store: the wheel finds out when the old slot comes round.
// Timers never fire early and at most one tick late. One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace weir::net {

using SteadyTime = std::chrono::steady_clock::time_point;

class TimerWheel;

// What a Timer calls. Derive, or be told through a small struct member.
class TimerUser {
 public:
  virtual void onTimer() = 0;

 protected:
  ~TimerUser() = default;
};

class Timer {
 public:
  explicit Timer(TimerUser& user) : user_(&user) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { disarm(); }

  void arm(TimerWheel& wheel, SteadyTime deadline);
  void disarm();
  bool armed() const { return armed_; }

 private:
  friend class TimerWheel;
  void unlink();

  TimerUser* user_;
  Timer* next_ = nullptr;   // null: in no slot
  Timer** back_ = nullptr;  // the pointer that points here
  int64_t tick_ = 0;        // wanted
  int64_t slot_tick_ = 0;   // where it sits; never later than wanted
  bool armed_ = false;
};

class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{10};

  explicit TimerWheel(SteadyTime now) : start_(now) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Fires everything due at `now`. A callback may arm, disarm and destroy any timer.
  void advance(SteadyTime now);

  // When advance() should be called next; max() when nothing is armed. May be early, never late.
  SteadyTime nextWake() const;

  // Called when a timer was placed earlier than nextWake() said before.
  void (*on_earlier)(void* context) = nullptr;
  void* on_earlier_context = nullptr;

 private:
  friend class Timer;
  static constexpr int kLevels = 4;
  static constexpr int kBits = 6;
  static constexpr int64_t kSlots = 1 << kBits;

  int64_t tickOf(SteadyTime time) const;  // rounded up
  void place(Timer& timer);
  void cascade(int level);
  void expire(Timer** head);
  static void pushFront(Timer** head, Timer& timer);

  SteadyTime start_;
  int64_t now_tick_ = 0;           // everything due up to here has fired
  int64_t next_tick_ = INT64_MAX;  // the loop wakes then
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
  std::array<uint64_t, kLevels> used_{};  // bit per slot that may hold a timer
};

}  // namespace weir::net
