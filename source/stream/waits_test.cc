// Signals and background work: one worker at rest, then many at once.
#include "source/stream/waits.h"

#include "source/net/still_clock.h"
#include "source/stream/background_work.h"
#include "weir/per_worker.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <thread>

namespace weir::stream {
namespace {

using namespace std::chrono_literals;

class WaitsTest : public testing::Test {
 protected:
  void turn() {
    for (int i = 0; i < 3; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    {
      net::Loop::Turn turn(loop_);
      loop_.timers().advance(clock_.at);
    }
    turn();
  }
  Task<Done> note(Pending<bool> pending) {
    said_ += co_await pending ? "raised " : "late ";
    co_return Done{};
  }
  // Waits for the signal, in a task that the fixture keeps.
  void wait(std::chrono::milliseconds limit = {}) {
    net::Loop::Turn turn(loop_);
    tasks_.push_back(note(untilRaised(loop_, signal_, limit)));
    tasks_.back().start();
  }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  cluster::WorkerClusters clusters_{loop_};
  Services services_{loop_, clusters_, 1};
  Signal signal_;
  std::string said_;
  std::deque<Task<Done>> tasks_;
};

TEST_F(WaitsTest, ASignalWakesAllWhoWait) {
  wait();
  wait(1s);
  signal_.raise();
  EXPECT_EQ(said_, "") << "never in the middle of raise()";
  turn();
  EXPECT_EQ(said_, "raised raised ");
  wait(50ms);
  turn();
  EXPECT_EQ(said_, "raised raised ") << "nothing is remembered";
  pass(60ms);
  EXPECT_EQ(said_, "raised raised late ");
}

TEST_F(WaitsTest, ASignalBetweenMakingAndAwaitingCounts) {
  Pending<bool> pending = untilRaised(loop_, signal_, 0ms);
  signal_.raise();
  turn();
  tasks_.push_back(note(std::move(pending)));
  tasks_.back().start();
  EXPECT_EQ(said_, "raised ");
}

TEST_F(WaitsTest, WhoIsGoneIsNotWoken) {
  wait();
  tasks_.clear();
  signal_.raise();
  wait();
  signal_.raise();
  tasks_.clear();  // raised, and gone before its loop got to it
  turn();
  EXPECT_EQ(said_, "");
}

TEST_F(WaitsTest, BackgroundWorkRunsUntilItsPlanGoes) {
  int rounds = 0;
  auto work = std::make_shared<BackgroundWork>([&](Async& async) -> Task<Done> {
    while (true) {
      ++rounds;
      co_await async.sleep(100ms);
    }
  });
  Background plan(work);
  EXPECT_EQ(rounds, 0);
  {
    net::Loop::Turn turn(loop_);
    work->startOn(services_);
  }
  EXPECT_EQ(rounds, 1);
  pass(110ms);
  EXPECT_EQ(rounds, 2);
  plan = {};
  turn();
  pass(1s);
  EXPECT_EQ(rounds, 2);
}

TEST_F(WaitsTest, BackgroundWorkWhosePlanIsGoneNeverStarts) {
  bool ran = false;
  const auto work = std::make_shared<BackgroundWork>([&](Async&) -> Task<Done> {
    ran = true;
    co_return Done{};
  });
  { const Background plan(work); }
  net::Loop::Turn turn(loop_);
  work->startOn(services_);
  EXPECT_FALSE(ran);
}

TEST_F(WaitsTest, BackgroundWorkEndsWithItsWorker) {
  auto token = std::make_shared<int>();
  const auto work = std::make_shared<BackgroundWork>([this, token](Async& async) -> Task<Done> {
    const auto kept = token;
    co_await async.until(signal_, 0ms);
    co_return Done{};
  });
  net::Loop::Turn turn(loop_);
  work->startOn(services_);
  EXPECT_EQ(token.use_count(), 3);
  work->stop();
  EXPECT_EQ(token.use_count(), 2);
  work->cancel();
}

// A worker's thread with a loop that runs.
class Runner {
 public:
  explicit Runner(uint32_t index)
      : thread_([this, index] {
          t_worker = index;
          loop_.run();
        }) {}
  ~Runner() {
    loop_.stop();
    thread_.join();
  }
  net::Loop& loop() { return loop_; }

 private:
  net::Loop loop_;
  std::thread thread_;
};

bool soon(const std::function<bool()>& is_true) {
  const auto limit = std::chrono::steady_clock::now() + 30s;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(WaitsOfManyWorkers, OneSignalWakesThemAll) {
  constexpr int kWaiters = 100;
  Signal signal;
  std::atomic<int> waiting{0}, woken{0};
  std::deque<Task<Done>> tasks[3];  // outlive the loops' threads
  const auto wait = [&](net::Loop& loop) -> Task<Done> {
    Pending<bool> pending = untilRaised(loop, signal, 0ms);
    ++waiting;
    co_await pending;
    ++woken;
    co_return Done{};
  };
  {
    Runner runners[3] = {Runner(0), Runner(1), Runner(2)};
    for (int i = 0; i < 3; ++i) {
      runners[i].loop().post([&, i] {
        for (int k = 0; k < kWaiters; ++k) {
          tasks[i].push_back(wait(runners[i].loop()));
          tasks[i].back().start();
        }
      });
    }
    EXPECT_TRUE(soon([&] { return waiting == 3 * kWaiters; }));
    EXPECT_EQ(woken, 0);
    signal.raise();
    EXPECT_TRUE(soon([&] { return woken == 3 * kWaiters; }));
  }
}

TEST(WaitsOfManyWorkers, LeavingWhileItIsRaisedIsSafe) {
  Signal signal;
  std::atomic<bool> ends{false}, ended{false};
  std::atomic<int> rounds{0};
  std::deque<Task<Done>> tasks;
  {
    Runner runner(0);
    const auto wait = [&]() -> Task<Done> {
      co_await untilRaised(runner.loop(), signal, 0ms);
      co_return Done{};
    };
    std::function<void()> churn = [&] {
      tasks.clear();
      if (ends) return static_cast<void>(ended = true);
      for (int k = 0; k < 20; ++k) {
        tasks.push_back(wait());
        tasks.back().start();
      }
      ++rounds;
      runner.loop().post(churn);
    };
    runner.loop().post(churn);
    while (rounds < 500) signal.raise();
    ends = true;
    EXPECT_TRUE(soon([&] { return ended.load(); }));
  }
}

TEST(PerWorkerState, IsOneForEachThread) {
  const PerWorker<std::vector<int>> state(3, std::vector<int>{7});
  {
    Runner runners[2] = {Runner(1), Runner(2)};
    for (Runner& runner : runners) {
      runner.loop().post([&] { state.here().push_back(static_cast<int>(t_worker)); });
    }
  }
  EXPECT_EQ(state.here(), (std::vector<int>{7}));
  t_worker = 1;
  EXPECT_EQ(state.here(), (std::vector<int>{7, 1}));
  t_worker = 2;
  EXPECT_EQ(state.here(), (std::vector<int>{7, 2}));
  t_worker = 0;
}

}  // namespace
}  // namespace weir::stream
