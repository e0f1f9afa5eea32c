#include "source/net/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
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

// Two sockets with news are two turns of one round: what asks for its end runs once, behind both.
class LoopRound : public ::testing::Test {
 protected:
  struct Reader {
    Reader(Loop& loop, std::function<void()> work) : loop(loop), work(std::move(work)) {
      fd = Fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
      event_assign(&event, loop.base(), fd.get(), EV_READ | EV_PERSIST | EV_ET, onEvent, this);
      event_add(&event, nullptr);
    }
    ~Reader() { event_del(&event); }
    static void onEvent(evutil_socket_t, short, void* self) {
      auto& reader = *static_cast<Reader*>(self);
      Loop::Turn turn(reader.loop);
      reader.work();
    }
    Loop& loop;
    std::function<void()> work;
    Fd fd;
    struct event event;
  };
  struct Note final : TurnEnd {
    Note(Loop& loop, std::string& log) : loop(loop), log(log) {}
    void onTurnEnd() override {
      if (waits && loop.awaitRoundEnd(*this)) return;
      log += "end,";
    }
    Loop& loop;
    std::string& log;
    bool waits = true;
  };

  Loop loop;
  std::string log;
  Note note{loop, log};
};

TEST_F(LoopRound, ItsEndComesOnceBehindAllItsTurns) {
  const auto turn = [this] {
    log += "turn,";
    loop.atTurnEnd(note);
    loop.stop();
  };
  Reader first(loop, turn), second(loop, turn);
  loop.run();
  EXPECT_EQ(log, "turn,turn,end,");
}

TEST_F(LoopRound, WhatAsksAgainMayEndWithItsTurn) {
  Reader first(loop, [this] {
    log += "first,";
    loop.atTurnEnd(note);
  });
  Reader second(loop, [this] {
    log += "second,";
    note.waits = false;
    loop.atTurnEnd(note);
    loop.stop();
  });
  Reader third(loop, [this] { log += "third,"; });
  loop.run();
  EXPECT_EQ(log, "first,second,end,third,");
}

TEST_F(LoopRound, CancelledItDoesNotRun) {
  Reader first(loop, [this] { loop.atTurnEnd(note); });
  Reader second(loop, [this] {
    loop.cancelTurnEnd(note);
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(log, "");
}

TEST_F(LoopRound, WithoutALoopThatRunsThereIsNone) {
  {
    Loop::Turn turn(loop);
    loop.atTurnEnd(note);
  }
  EXPECT_EQ(log, "end,");
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
