#include "source/cluster/balancer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "source/telemetry/stat_store.h"

namespace weir::cluster {
namespace {

constexpr LbPolicy kPolicies[] = {LbPolicy::RoundRobin, LbPolicy::Random, LbPolicy::LeastRequest};

class BalancerTest : public testing::Test {
 protected:
  // So many endpoints of one kind.
  void add(size_t count, Health health, uint32_t priority = 0, const char* zone = "",
           uint32_t locality_weight = 0) {
    for (; count != 0; --count) {
      auto endpoint = std::make_shared<Endpoint>();
      endpoint->health = health;
      endpoint->priority = priority;
      endpoint->zone = zone;
      endpoint->locality_weight = locality_weight;
      set_.all.push_back(std::move(endpoint));
    }
  }

  // How many of 10,000 requests have what `key` says of their endpoint; "none" for nobody.
  template <typename Key>
  std::map<std::string, int> share(LbPolicy policy, Key key) {
    settings_.lb_policy = policy;
    const Cluster cluster(0, settings_, StatScope(stats_));
    Balancer balancer(0);
    balancer.update(std::make_shared<EndpointSet>(set_), cluster);
    std::mt19937_64 random(1);
    std::map<std::string, int> counts;
    for (int i = 0; i < kTimes; ++i) {
      uint32_t index;
      ++counts[balancer.choose(random(), index) ? key(*set_.all[index]) : "none"];
    }
    return counts;
  }
  std::map<std::string, int> byPriority(LbPolicy policy) {
    return share(policy, [](const Endpoint& at) { return std::to_string(at.priority); });
  }
  std::map<std::string, int> byHealth(LbPolicy policy) {
    constexpr const char* kNames[] = {"healthy", "degraded", "unhealthy", "draining"};
    return share(policy,
                 [&](const Endpoint& at) { return kNames[static_cast<size_t>(at.health)]; });
  }
  uint64_t panics() { return stats_.value("lb_healthy_panic").value_or(0); }

  static constexpr int kTimes = 10'000;
  StatStore stats_;
  EndpointSet set_;
  ClusterSettings settings_;
};

// Round robin takes turns, so its shares are exact; the others draw.
TEST_F(BalancerTest, PrioritiesShareByTheirHealth) {
  add(1, Health::Healthy);
  add(3, Health::Unhealthy);
  add(8, Health::Healthy, 1);
  EXPECT_EQ(byPriority(LbPolicy::RoundRobin),
            (std::map<std::string, int>{{"0", 3500}, {"1", 6500}}));
  for (const LbPolicy policy : kPolicies) {
    EXPECT_NEAR(byPriority(policy)["0"], 3500, 150);
    EXPECT_EQ(byHealth(policy)["healthy"], kTimes) << "nobody who is not well";
  }
  EXPECT_EQ(panics(), 0u);
}

TEST_F(BalancerTest, EndpointsOfAShareGetAsMuchEach) {
  add(5, Health::Healthy);
  add(5, Health::Unhealthy);
  add(4, Health::Healthy, 1);
  for (const LbPolicy policy : kPolicies) {
    const auto counts =
        share(policy, [](const Endpoint& at) { return std::to_string(at.counts.cx_total++); });
    ASSERT_FALSE(counts.empty());
    for (const EndpointPtr& endpoint : set_.all) {
      const auto got = endpoint->counts.cx_total.exchange(0);
      if (endpoint->health != Health::Healthy) {
        EXPECT_EQ(got, 0u);
      } else {
        EXPECT_NEAR(static_cast<double>(got), endpoint->priority == 0 ? 1400 : 750, 150);
      }
    }
  }
}

TEST_F(BalancerTest, WhereAllAreWellLaterPrioritiesGetNothing) {
  add(2, Health::Healthy);
  add(9, Health::Healthy, 1);
  for (const LbPolicy policy : kPolicies) EXPECT_EQ(byPriority(policy)["0"], kTimes);
}

TEST_F(BalancerTest, DegradedOnesGetWhatTheHealthyOnesCannotTake) {
  add(1, Health::Healthy);
  add(2, Health::Degraded);
  add(1, Health::Unhealthy);
  for (const LbPolicy policy : kPolicies) {
    auto counts = byHealth(policy);
    EXPECT_NEAR(counts["healthy"], 3500, 150);
    EXPECT_NEAR(counts["degraded"], 6500, 150);
  }
}

TEST_F(BalancerTest, InPanicEverybodyServes) {
  add(1, Health::Healthy);
  add(3, Health::Unhealthy);
  add(1, Health::Draining);
  for (const LbPolicy policy : kPolicies) {
    auto counts = byHealth(policy);
    EXPECT_NEAR(counts["healthy"], 2000, 150);
    EXPECT_NEAR(counts["unhealthy"], 6000, 150);
    EXPECT_NEAR(counts["draining"], 2000, 150);
  }
  EXPECT_EQ(panics(), 3u * kTimes);
}

TEST_F(BalancerTest, WithoutPanicOnlyTheHealthyOnesServe) {
  settings_.panic_threshold = 0;
  add(1, Health::Healthy);
  add(9, Health::Unhealthy);
  for (const LbPolicy policy : kPolicies) EXPECT_EQ(byHealth(policy)["healthy"], kTimes);
  set_.all.erase(set_.all.begin());
  for (const LbPolicy policy : kPolicies) EXPECT_EQ(byHealth(policy)["none"], kTimes);
  EXPECT_EQ(panics(), 0u);
}

// A panic of one priority beside one that has enough: only the share of the first.
TEST_F(BalancerTest, APanicMayRefuseInsteadOfAskingTheIll) {
  settings_.fail_traffic_on_panic = true;
  add(1, Health::Healthy);
  add(19, Health::Unhealthy);
  add(13, Health::Healthy, 1);
  add(7, Health::Unhealthy, 1);
  for (const LbPolicy policy : kPolicies) {
    auto counts = byPriority(policy);
    EXPECT_NEAR(counts["none"], 800, 90);
    EXPECT_NEAR(counts["1"], 9200, 90);
    EXPECT_EQ(counts.count("0"), 0u);
  }
  EXPECT_NEAR(static_cast<double>(panics()), 2400, 200);
}

// The table of Envoy's documentation: X has the weight 1, Y 2 and is well.
TEST_F(BalancerTest, LocalitiesShareByWeightAndHealth) {
  for (const auto& [healthy, percent] :
       {std::pair{100, 33.3}, {72, 33.3}, {69, 32.6}, {50, 25.9}, {25, 14.9}, {0, 0.0}}) {
    set_.all.clear();
    add(static_cast<size_t>(healthy), Health::Healthy, 0, "x", 1);
    add(100 - static_cast<size_t>(healthy), Health::Unhealthy, 0, "x", 1);
    add(200, Health::Healthy, 0, "y", 2);
    for (const LbPolicy policy : kPolicies) {
      auto counts = share(policy, [](const Endpoint& at) { return at.zone; });
      EXPECT_NEAR(counts["x"], percent * 100, 160) << healthy;
      EXPECT_EQ(counts["x"] + counts["y"], kTimes);
    }
  }
}

TEST_F(BalancerTest, ALocalityWithoutWeightGetsNothingUnlessNoneHasOne) {
  add(1, Health::Healthy, 0, "x", 3);
  add(1, Health::Healthy, 0, "y", 1);
  add(5, Health::Healthy, 0, "z");
  const auto zone = [](const Endpoint& at) { return at.zone; };
  EXPECT_EQ(share(LbPolicy::RoundRobin, zone),
            (std::map<std::string, int>{{"x", 7500}, {"y", 2500}}));
  set_.all.erase(set_.all.begin(), set_.all.begin() + 2);
  EXPECT_EQ(share(LbPolicy::RoundRobin, zone), (std::map<std::string, int>{{"z", kTimes}}));
}

TEST_F(BalancerTest, ChangesGoOnFromTheSamePlace) {
  add(3, Health::Healthy);
  const Cluster cluster(0, settings_, {});
  Balancer balancer(0);
  for (uint32_t i = 1; i <= 9; ++i) {
    balancer.update(std::make_shared<EndpointSet>(set_), cluster);
    uint32_t index = 3;
    EXPECT_TRUE(balancer.choose(0, index));
    EXPECT_EQ(index, i % 3);
  }
}

}  // namespace
}  // namespace weir::cluster
