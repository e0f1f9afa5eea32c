// Who waits for clusters that are not there, and until when.
#include "source/cluster/wanted_clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "source/cluster/changes_fixture.h"
#include "source/net/still_clock.h"

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Waiting final : WantedClusters::Waiter {
  void onSettled() override { ++told; }
  int told = 0;
};

class WantedClustersTest : public testing::Test {
 protected:
  void serve() {
    wanted.serve([this](const std::string& name) { asked.push_back(name); },
                 StatScope(stats).scope("w"));
  }
  void pass(std::chrono::milliseconds time) {
    clock.at += time;
    net::Loop::Turn turn(loop);
    loop.timers().advance(clock.at);
  }
  uint64_t stat(const std::string& name) { return stats.value(name).value_or(4711); }

  net::StillClock clock;
  net::Loop loop{&clock};
  StatStore stats;
  WorkerClusters clusters{loop};
  WantedClusters& wanted = clusters.wanted();
  std::vector<std::string> asked;
};

TEST_F(WantedClustersTest, WhereNobodyMakesClustersNobodyWaits) {
  Waiting one;
  EXPECT_FALSE(wanted.wait("a", one));
}

TEST_F(WantedClustersTest, ManyWaitForANameThatIsAskedForOnce) {
  serve();
  std::deque<Waiting> many(1000);
  for (Waiting& each : many) EXPECT_TRUE(wanted.wait("a", each));
  Waiting other;
  EXPECT_TRUE(wanted.wait("b", other));
  EXPECT_THAT(asked, ElementsAre("a", "b"));
  wanted.settle("a");
  for (const Waiting& each : many) EXPECT_EQ(each.told, 1);
  EXPECT_EQ(other.told, 0);
  Waiting next;
  EXPECT_TRUE(wanted.wait("a", next));
  EXPECT_THAT(asked, SizeIs(3)) << "what was said of it once is not kept";
}

TEST_F(WantedClustersTest, AClusterThatComesIsTheAnswer) {
  serve();
  Waiting one, other;
  wanted.wait("a", one);
  wanted.wait("b", other);
  ClusterSettings settings;
  settings.name = "a";
  net::Loop::Turn turn(loop);
  clusters.set(7, std::make_shared<Cluster>(7, settings, StatScope()));
  EXPECT_EQ(one.told, 1);
  EXPECT_EQ(other.told, 0);
  clusters.clear();
}

TEST_F(WantedClustersTest, NobodyWaitsLong) {
  serve();
  Waiting first, second;
  wanted.wait("a", first);
  pass(3s);
  wanted.wait("a", second);
  pass(WantedClusters::kPatience - 3s - 20ms);
  EXPECT_EQ(first.told + second.told, 0);
  pass(30ms);
  EXPECT_EQ(first.told, 1);
  EXPECT_EQ(second.told, 1);
  EXPECT_EQ(stat("w.timeout"), 1u);
  wanted.settle("a");  // too late
  EXPECT_EQ(first.told, 1);
}

TEST_F(WantedClustersTest, WhoGoesIsNotTold) {
  serve();
  auto goes = std::make_unique<Waiting>();
  Waiting stays;
  wanted.wait("a", *goes);
  wanted.wait("a", stays);
  goes.reset();
  wanted.settle("a");
  EXPECT_EQ(stays.told, 1);
  Waiting after;
  EXPECT_TRUE(wanted.wait("a", after));
}

TEST_F(WantedClustersTest, TooManyNamesAreNotWaitedFor) {
  serve();
  std::deque<Waiting> many(WantedClusters::kMostNames);
  for (size_t i = 0; i < many.size(); ++i) {
    EXPECT_TRUE(wanted.wait("n" + std::to_string(i), many[i]));
  }
  Waiting one_more, known;
  EXPECT_FALSE(wanted.wait("more", one_more));
  EXPECT_TRUE(wanted.wait("n5", known));
  EXPECT_EQ(stat("w.overflow"), 1u);
  wanted.settle("n7");
  EXPECT_TRUE(wanted.wait("more", one_more));
  EXPECT_EQ(stat("w.asked"), WantedClusters::kMostNames + 1);
}

TEST_F(WantedClustersTest, NoNameIsNoNameToWaitFor) {
  serve();
  Waiting one;
  EXPECT_FALSE(wanted.wait("", one));
  EXPECT_THAT(asked, IsEmpty());
}

// As where the one who is asked is not on another thread.
TEST_F(WantedClustersTest, TheAnswerMayComeAtOnce) {
  wanted.serve([this](const std::string& name) { wanted.settle(name); },
               StatScope(stats).scope("w"));
  Waiting one;
  EXPECT_TRUE(wanted.wait("a", one));
  EXPECT_EQ(one.told, 1);
}

}  // namespace
}  // namespace weir::cluster
