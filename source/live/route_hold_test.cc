#include "source/live/route_hold.h"

#include <gtest/gtest.h>

#include "source/live/virtual_time.h"

namespace weir::live {
namespace {

using namespace std::chrono_literals;

class RouteHoldTest : public testing::Test {
 protected:
  // Routes that name clusters of these slots.
  RouteHold::PlanPtr plan(std::initializer_list<uint32_t> slots) {
    auto plan = std::make_shared<stream::HcmPlan>(StatScope(time.stats), StatScope(time.stats));
    plan->clusters = std::make_shared<cluster::NamedClusters>();
    for (const uint32_t slot : slots) {
      plan->clusters->all.push_back(std::make_shared<const cluster::NamedCluster>(
          cluster::NamedCluster{"c" + std::to_string(slot), slot}));
    }
    return plan;
  }

  VirtualTime time;
  ComingClusters coming;
  RuntimeCell cell;
  std::vector<RouteHold::PlanPtr> released;
  RouteHold hold{time.loop, coming, RuntimeKey(std::shared_ptr<RuntimeCell>(&cell, [](auto*) {})),
                 [this](RouteHold::PlanPtr plan) { released.push_back(std::move(plan)); }};
};

TEST_F(RouteHoldTest, WaitsForTheLastClusterThatIsComing) {
  const auto next = plan({1, 2, 3});
  coming.add(2);
  coming.add(3);
  coming.add(4);
  ASSERT_TRUE(hold.take(nullptr, next));
  EXPECT_TRUE(hold.holds());
  coming.settle(4);
  coming.settle(2);
  EXPECT_EQ(hold.waitsFor(), "c3");
  EXPECT_TRUE(released.empty());
  coming.settle(3);
  EXPECT_EQ(released, std::vector{next});
  EXPECT_FALSE(hold.holds());
  time.pass(3s);
  EXPECT_EQ(released.size(), 1u);
}

TEST_F(RouteHoldTest, NothingIsHeldForClustersThatAreThereOrUnknown) {
  coming.add(9);
  EXPECT_FALSE(hold.take(nullptr, plan({1, 2})));
  time.pass(3s);
  EXPECT_TRUE(released.empty());
}

TEST_F(RouteHoldTest, NorForOnesThatTheRoutesInForceNameAlready) {
  const auto current = plan({1, 5});
  coming.add(5);
  EXPECT_FALSE(hold.take(current.get(), plan({5, 6})));
  coming.add(6);
  EXPECT_TRUE(hold.take(current.get(), plan({5, 6})));
  EXPECT_EQ(hold.waitsFor(), "c6");
}

TEST_F(RouteHoldTest, TwoSecondsAtMost) {
  const auto next = plan({1});
  coming.add(1);
  ASSERT_TRUE(hold.take(nullptr, next));
  time.pass(1900ms);
  EXPECT_TRUE(released.empty());
  time.pass(200ms);
  EXPECT_EQ(released, std::vector{next});
  coming.settle(1);
  EXPECT_EQ(released.size(), 1u);
}

TEST_F(RouteHoldTest, ALaterAnswerTakesThePlaceOfTheHeldOneAndNotItsTime) {
  const auto later = plan({1, 2});
  coming.add(1);
  ASSERT_TRUE(hold.take(nullptr, plan({1})));
  time.pass(1500ms);
  ASSERT_TRUE(hold.take(nullptr, later));
  time.pass(600ms);
  EXPECT_EQ(released, std::vector{later});
  // And where the later one waits for nothing, the held one is forgotten.
  ASSERT_TRUE(hold.take(nullptr, plan({1})));
  EXPECT_FALSE(hold.take(nullptr, plan({2})));
  coming.settle(1);
  time.pass(3s);
  EXPECT_EQ(released.size(), 1u);
}

TEST_F(RouteHoldTest, TheRuntimeSaysHowLong) {
  coming.add(1);
  cell.set(300, {}, {});
  ASSERT_TRUE(hold.take(nullptr, plan({1})));
  time.pass(400ms);
  EXPECT_EQ(released.size(), 1u);
  cell.set(0, {}, {});
  EXPECT_FALSE(hold.take(nullptr, plan({1})));
}

TEST_F(RouteHoldTest, OneThatEndsWhileItHoldsIsNotCalled) {
  coming.add(1);
  {
    RouteHold other(time.loop, coming, {}, [](const auto&) { FAIL(); });
    ASSERT_TRUE(other.take(nullptr, plan({1})));
  }
  coming.settle(1);
  time.pass(3s);
}

}  // namespace
}  // namespace weir::live
