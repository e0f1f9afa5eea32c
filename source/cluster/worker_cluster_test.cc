#include "source/cluster/worker_cluster.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "source/telemetry/stat_store.h"

namespace weir::cluster {
namespace {

class WorkerClusterTest : public testing::Test {
 protected:
  ~WorkerClusterTest() override {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  // With the endpoints that were added, in slot 0.
  WorkerCluster& use(const ClusterSettings& settings, StatScope scope = {}) {
    cluster_ = std::make_shared<Cluster>(0, settings, std::move(scope));
    cluster_->publish(std::make_shared<const EndpointSet>(set_));
    net::Loop::Turn turn(loop_);
    clusters_.set(0, cluster_);
    return *clusters_.find(0, 0);
  }

  void add(uint32_t weight, uint64_t busy = 0, uint32_t priority = 0) {
    auto endpoint = std::make_shared<Endpoint>();
    const auto port = static_cast<uint16_t>(set_.all.size() + 1);
    endpoint->address = *net::Address::ip("127.0.0.1", port);
    endpoint->text = std::to_string(port);
    endpoint->weight = weight;
    endpoint->priority = priority;
    endpoint->counts.rq_active = busy;
    set_.all.push_back(std::move(endpoint));
  }

  // How often each endpoint is chosen of `times`.
  std::map<std::string, int> chosen(LbPolicy policy, int times, uint32_t choices = 2) {
    ClusterSettings settings;
    settings.name = "c";
    settings.lb_policy = policy;
    settings.choice_count = choices;
    WorkerCluster& worker = use(settings);
    std::mt19937_64 random(1);
    std::map<std::string, int> counts;
    for (int i = 0; i < times; ++i) ++counts[worker.choose(random())->endpoint().text];
    return counts;
  }

  net::Loop loop_;
  EndpointSet set_;
  ClusterPtr cluster_;
  WorkerClusters clusters_{loop_};
};

TEST_F(WorkerClusterTest, RoundRobinFollowsWeightsExactly) {
  add(1);
  add(3);
  const auto counts = chosen(LbPolicy::RoundRobin, 400);
  EXPECT_EQ(counts.at("1"), 100);
  EXPECT_EQ(counts.at("2"), 300);
}

TEST_F(WorkerClusterTest, ServerNamesHavePoolsOfTheirOwnAndNotWithoutEnd) {
  add(1);
  WorkerCluster& worker = use({});
  const auto pool = [&worker](std::string_view name) {
    return worker.choose(0, Priority::Default, Protocol::Http11, name);
  };
  net::Loop::Turn turn(loop_);
  EXPECT_EQ(pool("a"), pool("a"));
  EXPECT_NE(pool("a"), pool("b"));
  EXPECT_NE(pool("a"), pool(""));
  EXPECT_EQ(pool("a")->serverName(), "a");
  for (size_t i = 0; i < WorkerCluster::kMostNames + 100; ++i) pool("n" + std::to_string(i));
  EXPECT_EQ(worker.nameCount(), WorkerCluster::kMostNames);
}

TEST_F(WorkerClusterTest, RandomTakesAllAlikeWhateverTheirWeight) {
  add(1);
  add(9);
  add(9, 0, 1);  // of a later priority
  const auto counts = chosen(LbPolicy::Random, 4000);
  EXPECT_NEAR(counts.at("1"), 2000, 200);
  EXPECT_NEAR(counts.at("2"), 2000, 200);
}

TEST_F(WorkerClusterTest, LeastRequestTakesTheBusiestOnlyWhenItIsDrawnTwice) {
  add(1, 0);
  add(1, 10);
  add(1, 20);
  const auto counts = chosen(LbPolicy::LeastRequest, 9000);
  EXPECT_NEAR(counts.at("1"), 5000, 300);
  EXPECT_NEAR(counts.at("2"), 3000, 300);
  EXPECT_NEAR(counts.at("3"), 1000, 300);
}

TEST_F(WorkerClusterTest, LeastRequestWithMoreChoicesFindsTheIdleOne) {
  add(1, 0);
  add(1, 10);
  EXPECT_GE(chosen(LbPolicy::LeastRequest, 1000, 20).at("1"), 999);
}

TEST_F(WorkerClusterTest, LeastRequestMeasuresRequestsByWeight) {
  add(1, 2);
  add(10, 9);  // ten times the weight: less busy for what it can
  const auto counts = chosen(LbPolicy::LeastRequest, 1000);
  EXPECT_GE(counts.at("2"), 950);
}

TEST_F(WorkerClusterTest, EachPriorityHasConnectionsAndCountsOfItsOwn) {
  struct Waiter final : PoolWaiter {
    void onPoolReady(Client&) override { ADD_FAILURE() << "nobody listens there"; }
    void onPoolFailure(const Failure&, bool overflow) override { refused = overflow; }
    bool refused = false;
  };
  add(1);
  StatStore store;
  ClusterSettings settings;
  settings.limits.max_requests = 0;
  WorkerCluster& worker = use(settings, StatScope(store));
  net::Loop::Turn turn(loop_);
  Pool* usual = worker.choose(1);
  Pool* high = worker.choose(1, Priority::High);
  EXPECT_NE(usual, high);
  EXPECT_EQ(worker.choose(2, Priority::High), high);
  Waiter first, second;
  usual->acquire(first);
  EXPECT_TRUE(first.refused);
  high->acquire(second);
  EXPECT_FALSE(second.refused);
  EXPECT_EQ(cluster_->budgets(Priority::High).pending.taken(), 1u);
  EXPECT_EQ(cluster_->budgets(Priority::Default).pending.taken(), 0u);
}

TEST_F(WorkerClusterTest, WithoutEndpointsThereIsNothingToChoose) {
  for (const LbPolicy policy : {LbPolicy::RoundRobin, LbPolicy::Random, LbPolicy::LeastRequest}) {
    ClusterSettings settings;
    settings.lb_policy = policy;
    EXPECT_EQ(use(settings).choose(1), nullptr);
  }
}

}  // namespace
}  // namespace weir::cluster
