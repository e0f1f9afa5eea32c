#include "source/net/loop.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace weir::net {
namespace {

TEST(Loop, RunsPostedWorkInOrderFromAnotherThread) {
  Loop loop;
  std::vector<int> order;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&order, i] { order.push_back(i); });
    loop.stop();
  });
  loop.run();
  other.join();
  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Loop, TurnEndRunsOnceThenTheDeferredDie) {
  struct Note final : TurnEnd {
    explicit Note(std::string& log) : log(log) {}
    void onTurnEnd() override { log += "end,"; }
    std::string& log;
  };
  struct Dying final : Deferred {
    explicit Dying(std::string& log) : log(log) {}
    ~Dying() override { log += "dead,"; }
    std::string& log;
  };
  Loop loop;
  std::string log;
  Note note(log);
  {
    Loop::Turn turn(loop);
    loop.destroyLater(new Dying(log));
    loop.atTurnEnd(note);
    loop.atTurnEnd(note);
    {
      Loop::Turn nested(loop);
      log += "inner,";
    }
  }
  EXPECT_EQ(log, "inner,end,dead,");
}

TEST(Loop, ACancelledTurnEndDoesNotRun) {
  struct Note final : TurnEnd {
    void onTurnEnd() override { ++runs; }
    int runs = 0;
  };
  Loop loop;
  Note note;
  {
    Loop::Turn turn(loop);
    loop.atTurnEnd(note);
    loop.cancelTurnEnd(note);
  }
  EXPECT_EQ(note.runs, 0);
}

TEST(Loop, TimersFireInOrderAndNotEarly) {
  struct Probe final : TimerUser {
    Probe(Loop& loop, std::string& log, char name)
        : timer(*this), loop(loop), log(log), name(name) {}
    void onTimer() override {
      EXPECT_GE(std::chrono::steady_clock::now(), due);
      log += name;
      if (name == 'c') loop.stop();
    }
    void in(std::chrono::milliseconds wait) {
      due = loop.now() + wait;
      timer.arm(loop.timers(), due);
    }
    Timer timer;
    Loop& loop;
    std::string& log;
    char name;
    SteadyTime due;
  };
  Loop loop;
  std::string log;
  Probe c(loop, log, 'c'), a(loop, log, 'a'), b(loop, log, 'b');
  c.in(std::chrono::milliseconds(90));
  a.in(std::chrono::milliseconds(5));
  b.in(std::chrono::milliseconds(40));
  loop.run();
  EXPECT_EQ(log, "abc");
}

}  // namespace
}  // namespace weir::net
