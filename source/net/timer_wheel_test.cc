#include "source/net/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace weir::net {
namespace {

using std::chrono::milliseconds;

const SteadyTime kStart{std::chrono::hours(5)};

struct Probe final : TimerUser {
  explicit Probe(SteadyTime& clock) : timer(*this), clock_(clock) {}
  void onTimer() override {
    ++fired;
    at = clock_;
  }
  Timer timer;
  int fired = 0;
  SteadyTime at;

 private:
  SteadyTime& clock_;
};

// Moves the clock from wake to wake, as the loop does.
void runUntil(TimerWheel& wheel, SteadyTime& clock, SteadyTime end) {
  for (;;) {
    const SteadyTime wake = wheel.nextWake();
    if (wake > end) break;
    clock = std::max(clock, wake);
    wheel.advance(clock);
  }
  clock = end;
  wheel.advance(clock);
}

TEST(TimerWheel, FiresOnceNeverEarlyAndWithinOneTick) {
  SteadyTime clock = kStart;
  TimerWheel wheel(kStart);
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<SteadyTime> wanted;
  std::mt19937_64 rng(7);
  for (int i = 0; i < 4000; ++i) {
    const auto range = int64_t{1} << (rng() % 27);
    wanted.push_back(kStart + milliseconds(rng() % static_cast<uint64_t>(range)));
    probes.push_back(std::make_unique<Probe>(clock));
    probes.back()->timer.arm(wheel, wanted.back());
  }
  runUntil(wheel, clock, kStart + std::chrono::hours(40));
  for (size_t i = 0; i < probes.size(); ++i) {
    ASSERT_EQ(probes[i]->fired, 1);
    ASSERT_GE(probes[i]->at, wanted[i]);
    ASSERT_LE(probes[i]->at, std::max(wanted[i], kStart) + 2 * TimerWheel::kTick) << i;
  }
  EXPECT_EQ(wheel.nextWake(), SteadyTime::max());
}

TEST(TimerWheel, MovedLaterFiresLaterMovedEarlierFiresEarlier) {
  SteadyTime clock = kStart;
  TimerWheel wheel(kStart);
  Probe later(clock), earlier(clock), gone(clock);
  later.timer.arm(wheel, kStart + milliseconds(50));
  later.timer.arm(wheel, kStart + milliseconds(5000));
  earlier.timer.arm(wheel, kStart + milliseconds(90'000));
  earlier.timer.arm(wheel, kStart + milliseconds(200));
  gone.timer.arm(wheel, kStart + milliseconds(100));
  gone.timer.disarm();
  runUntil(wheel, clock, kStart + milliseconds(1000));
  EXPECT_EQ(later.fired, 0);
  EXPECT_EQ(earlier.fired, 1);
  EXPECT_EQ(gone.fired, 0);
  runUntil(wheel, clock, kStart + milliseconds(6000));
  EXPECT_EQ(later.fired, 1);
  EXPECT_EQ(earlier.fired, 1);
}

TEST(TimerWheel, ACallbackMayDestroyItsNeighbours) {
  struct Killer final : TimerUser {
    void onTimer() override { victims.clear(); }
    Timer timer{*this};
    std::vector<std::unique_ptr<Probe>> victims;
  };
  SteadyTime clock = kStart;
  TimerWheel wheel(kStart);
  Killer killer;
  for (int i = 0; i < 3; ++i) killer.victims.push_back(std::make_unique<Probe>(clock));
  for (auto& victim : killer.victims) victim->timer.arm(wheel, kStart + milliseconds(100));
  killer.timer.arm(wheel, kStart + milliseconds(100));
  runUntil(wheel, clock, kStart + milliseconds(300));
  EXPECT_TRUE(killer.victims.empty());
}

TEST(TimerWheel, TellsWhenATimerIsEarlierThanPlanned) {
  TimerWheel wheel(kStart);
  int told = 0;
  wheel.on_earlier_context = &told;
  wheel.on_earlier = [](void* context) { ++*static_cast<int*>(context); };
  SteadyTime clock = kStart;
  Probe a(clock), b(clock), c(clock);
  a.timer.arm(wheel, kStart + milliseconds(500));
  b.timer.arm(wheel, kStart + milliseconds(600));
  c.timer.arm(wheel, kStart + milliseconds(100));
  EXPECT_EQ(told, 2);
}

TEST(TimerWheel, DisarmedTimersDoNotKeepItAwakeForEver) {
  SteadyTime clock = kStart;
  TimerWheel wheel(kStart);
  Probe a(clock);
  a.timer.arm(wheel, kStart + milliseconds(100));
  a.timer.disarm();
  runUntil(wheel, clock, kStart + milliseconds(300));
  EXPECT_EQ(wheel.nextWake(), SteadyTime::max());
}

}  // namespace
}  // namespace weir::net
