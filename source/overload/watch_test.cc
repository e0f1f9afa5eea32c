// The Watch in time that stands still, with pressures that a test sets.
#include "source/overload/watch.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"

namespace weir::overload {
namespace {

using namespace std::chrono_literals;

class WatchTest : public testing::Test {
 protected:
  // A plan on the resources `heap` and `file`, with one action.
  static Plan plan(ActionKind kind, std::vector<TriggerPlan> triggers) {
    Plan made;
    made.actions.push_back({"act", kind, std::move(triggers)});
    return made;
  }
  void start(Plan plan) {
    for (const char* name : {"heap", "file"}) {
      plan.resources.push_back({name, [this, name]() -> Result<double> {
                                  const auto found = pressures_.find(name);
                                  if (found == pressures_.end()) return Error{{}, "gone"};
                                  return found->second;
                                }});
    }
    watch_.emplace(loop_, std::move(plan), StatScope(stats_),
                   Watch::Callbacks{[this](const Actions& actions) { told_.push_back(actions); },
                                    [this](std::string_view action, bool saturated) {
                                      said_ += std::string(action) + (saturated ? "+" : "-");
                                    }},
                   Heap{[this] { return free_; }, [this] { ++trims_; }});
    net::Loop::Turn turn(loop_);
    watch_->start();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }
  // One refresh with this pressure of `heap`.
  Actions at(double pressure) {
    pressures_["heap"] = pressure;
    pass(1s);
    return told_.empty() ? Actions{} : told_.back();
  }
  uint64_t stat(const std::string& name) const {
    return stats_.value("overload." + name).value_or(4711);
  }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  StatStore stats_;
  std::map<std::string, double, std::less<>> pressures_{{"heap", 0}, {"file", 0}};
  std::vector<Actions> told_;
  std::string said_;
  uint64_t free_ = 0;
  int trims_ = 0;
  std::optional<Watch> watch_;
};

TEST_F(WatchTest, AThresholdIsReachedAndLeft) {
  start(plan(ActionKind::StopAcceptingRequests, {{0, Trigger::threshold(0.9)}}));
  EXPECT_EQ(at(0.89), Actions{});
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(at(0.9).reject_requests, kAll);
  EXPECT_EQ(stat("act.active"), 1u);
  EXPECT_EQ(stat("act.scale_percent"), 100u);
  EXPECT_EQ(stat("heap.pressure"), 90u);
  at(0.95);
  EXPECT_EQ(told_.size(), 1u);  // nothing changed
  EXPECT_EQ(at(0.1), Actions{});
  EXPECT_EQ(stat("act.active"), 0u);
  EXPECT_EQ(said_, "act+act-");
}

TEST_F(WatchTest, ItLooksAtOnceWhenItStarts) {
  pressures_["heap"] = 1;
  start(plan(ActionKind::StopAcceptingConnections, {{0, Trigger::threshold(1)}}));
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(told_[0].stop_accepting);
}

TEST_F(WatchTest, AScaledTriggerGivesAShare) {
  start(plan(ActionKind::RejectIncomingConnections, {{0, {0.5, 0.9}}}));
  EXPECT_EQ(at(0.5).reject_connections, kNone);
  EXPECT_NEAR(at(0.6).reject_connections, kAll / 4, 2);
  EXPECT_EQ(stat("act.scale_percent"), 25u);
  EXPECT_EQ(stat("act.active"), 0u);
  EXPECT_NEAR(at(0.8).reject_connections, kAll * 3 / 4, 2);
  EXPECT_EQ(at(0.9).reject_connections, kAll);
  EXPECT_EQ(said_, "act+");
}

// What has no share is taken in full or not at all.
TEST_F(WatchTest, AcceptingStopsOnlyWhenSaturated) {
  start(plan(ActionKind::StopAcceptingConnections, {{0, {0.5, 0.9}}}));
  EXPECT_FALSE(at(0.89).stop_accepting);
  EXPECT_TRUE(at(0.9).stop_accepting);
  EXPECT_FALSE(at(0.89).stop_accepting);
}

TEST_F(WatchTest, TheStrongestTriggerCounts) {
  pressures_["file"] = 0.75;
  start(plan(ActionKind::DisableHttpKeepalive, {{0, Trigger::threshold(0.9)}, {1, {0.5, 1}}}));
  EXPECT_NEAR(at(0).end_connections, kAll / 2, 2);
  EXPECT_EQ(at(0.9).end_connections, kAll);
  EXPECT_EQ(stat("file.pressure"), 75u);
}

TEST_F(WatchTest, WhatCannotBeReadStaysAndIsCounted) {
  start(plan(ActionKind::StopAcceptingRequests, {{0, Trigger::threshold(0.9)}}));
  EXPECT_EQ(at(1).reject_requests, kAll);
  pressures_.erase("heap");
  pass(1s);
  EXPECT_EQ(told_.size(), 1u);
  EXPECT_EQ(stat("heap.failed_updates"), 1u);
  EXPECT_EQ(stat("file.failed_updates"), 0u);
  EXPECT_EQ(stat("heap.pressure"), 100u);
  EXPECT_EQ(stat("heap.skipped_updates"), 0u);
  EXPECT_EQ(at(0), Actions{});
}

TEST_F(WatchTest, ItLooksAsOftenAsItIsTold) {
  Plan often = plan(ActionKind::StopAcceptingRequests, {{0, Trigger::threshold(0.9)}});
  often.refresh_interval = 250ms;
  start(std::move(often));
  pressures_["heap"] = 1;
  pass(240ms);
  EXPECT_TRUE(told_.empty());
  pass(20ms);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(WatchTest, TheHeapShrinksAgainAfterItsIntervalIfThereIsEnough) {
  Plan shrinking = plan(ActionKind::ShrinkHeap, {{0, Trigger::threshold(0.9)}});
  shrinking.shrink = {5s, 1000};
  free_ = 1001;
  start(std::move(shrinking));
  at(0.8);
  EXPECT_EQ(trims_, 0);
  at(0.9);
  EXPECT_EQ(trims_, 1);
  for (int i = 0; i < 4; ++i) at(0.9);
  EXPECT_EQ(trims_, 1);
  at(0.9);
  EXPECT_EQ(trims_, 2);
  free_ = 1000;
  for (int i = 0; i < 12; ++i) at(0.9);
  EXPECT_EQ(trims_, 2);
  EXPECT_EQ(stat("act.shrink_count"), 2u);
  EXPECT_TRUE(told_.empty());  // no worker has to do with it
}

TEST_F(WatchTest, SharesFallAsOftenAsTheySay) {
  int fell = 0;
  for (uint64_t i = 0; i < 65536; ++i) fell += falls(kAll / 4, i << 48) ? 1 : 0;
  EXPECT_EQ(fell, kAll / 4);
  EXPECT_FALSE(falls(kNone, 0));
  EXPECT_TRUE(falls(kAll, ~uint64_t{0}));
}

TEST_F(WatchTest, TheProcessesOwnHeapIsMeasuredAndTrimmed) {
  const Heap heap = Heap::ofProcess();
  { const std::vector<char> block(64 * 1024, 'x'); }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_EQ(heap.free_bytes(), 0u);  // a sanitizer's allocator tells nothing of what it keeps
#else
  EXPECT_GT(heap.free_bytes(), 0u);
#endif
  heap.trim();
}

}  // namespace
}  // namespace weir::overload
