#include "source/consul/places.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "weir/result.h"
#include "weir/task.h"

namespace weir::consul {
namespace {

class PlacesTest : public testing::Test {
 protected:
  // Takes a place, says so, and keeps it until its task is destroyed.
  Task<Done> hold(char name) {
    const Places::Place place = co_await places_.next();
    said_ += name;
    co_await std::suspend_always();
    co_return Done{};
  }
  std::optional<Task<Done>> begin(char name) {
    net::Loop::Turn turn(loop_);
    std::optional<Task<Done>> task(hold(name));
    task->start();
    return task;
  }
  void end(std::optional<Task<Done>>& task) {
    net::Loop::Turn turn(loop_);
    task.reset();
  }

  net::Loop loop_;
  Places places_{loop_, 2};
  std::string said_;
};

TEST_F(PlacesTest, FirstComeFirstServed) {
  auto a = begin('a'), b = begin('b'), c = begin('c'), d = begin('d');
  EXPECT_EQ(said_, "ab");
  EXPECT_EQ(places_.waiting(), 2u);
  end(b);
  EXPECT_EQ(said_, "abc");
  end(a);
  EXPECT_EQ(said_, "abcd");
  EXPECT_EQ(places_.taken(), 2u);
}

TEST_F(PlacesTest, WhoStopsWaitingIsPassedOver) {
  auto a = begin('a'), b = begin('b'), c = begin('c'), d = begin('d');
  end(c);
  end(a);
  EXPECT_EQ(said_, "abd");
}

// Two end in one turn: the place of the first was promised to the one that goes.
TEST_F(PlacesTest, APlaceThatNobodyTakesAnyMoreGoesOn) {
  auto a = begin('a'), b = begin('b'), c = begin('c'), d = begin('d');
  {
    net::Loop::Turn turn(loop_);
    a.reset();
    c.reset();
  }
  EXPECT_EQ(said_, "abd");
  end(b);
  end(d);
  EXPECT_EQ(places_.taken(), 0u);
}

TEST_F(PlacesTest, TheLimitMayChange) {
  auto a = begin('a'), b = begin('b'), c = begin('c'), d = begin('d');
  {
    net::Loop::Turn turn(loop_);
    places_.allow(3);
  }
  EXPECT_EQ(said_, "abc");
  places_.allow(1);
  end(a);
  end(b);
  EXPECT_EQ(said_, "abc");
  end(c);
  EXPECT_EQ(said_, "abcd");
}

}  // namespace
}  // namespace weir::consul
