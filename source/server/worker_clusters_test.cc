// Clusters that are given to a worker before and while it runs.
#include "source/server/worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace weir::server {
namespace {

using namespace std::chrono_literals;

cluster::ClusterPtr make(uint32_t slot) {
  cluster::ClusterSettings settings;
  settings.name = "c" + std::to_string(slot);
  return std::make_shared<cluster::Cluster>(slot, settings, StatScope());
}

void set(Worker& worker, uint32_t slot, cluster::ClusterPtr cluster) {
  worker.changeClusters(std::make_shared<const std::vector<ClusterChange>>(
      std::vector{ClusterChange{slot, std::move(cluster), nullptr}}));
}

void update(Worker& worker, const cluster::ClusterPtr& cluster) {
  worker.changeClusters(std::make_shared<const std::vector<ClusterChange>>(
      std::vector{ClusterChange{cluster->slot(), cluster, cluster->endpoints()}}));
}

bool goesSoon(const std::weak_ptr<cluster::Cluster>& cluster) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (!cluster.expired() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  return cluster.expired();
}

TEST(WorkerClustersTest, BeforeTheStartClustersAreSetAtOnce) {
  Worker worker(0, 1);
  cluster::ClusterPtr first = make(0);
  const std::weak_ptr<cluster::Cluster> former = first;
  set(worker, 0, std::move(first));
  EXPECT_FALSE(former.expired());
  const cluster::ClusterPtr next = make(0);
  set(worker, 0, next);
  EXPECT_TRUE(former.expired());
  update(worker, next);
  EXPECT_EQ(next.use_count(), 2) << "nothing waits for a start that may never come";
}

TEST(WorkerClustersTest, ClustersComeAndGoWhileItRuns) {
  Worker worker(0, 1);
  cluster::ClusterPtr now = make(0);
  set(worker, 0, now);
  worker.start();
  for (int i = 0; i < 1000; ++i) {
    cluster::ClusterPtr next = make(0);
    next->publish(std::make_shared<cluster::EndpointSet>());
    set(worker, 0, next);
    update(worker, now);  // too late: it has left its slot
    update(worker, next);
    set(worker, 1 + static_cast<uint32_t>(i % 10),
        i % 3 == 0 ? nullptr : make(static_cast<uint32_t>(1 + i % 10)));
    const std::weak_ptr<cluster::Cluster> former = std::exchange(now, std::move(next));
    if (i % 100 == 0) {
      EXPECT_TRUE(goesSoon(former));
    }
  }
  const std::weak_ptr<cluster::Cluster> last = now;
  set(worker, 0, nullptr);
  now.reset();
  EXPECT_TRUE(goesSoon(last));
  worker.stop();
  worker.join();
}

TEST(WorkerClustersTest, ChangesOfATurnAreSentInOnePieceAtItsEnd) {
  net::Loop loop;
  std::vector<std::vector<uint32_t>> sent;
  ClusterPost post(loop, [&](const ClusterChanges& changes) {
    for (sent.emplace_back(); const ClusterChange& change : *changes) {
      sent.back().push_back(change.slot);
    }
  });
  {
    const net::Loop::Turn turn(loop);
    post.add({3, make(3), nullptr});
    post.add({1, nullptr, nullptr});
    EXPECT_TRUE(sent.empty());
  }
  const std::vector<std::vector<uint32_t>> once{{3, 1}};
  EXPECT_EQ(sent, once);
  const net::Loop::Turn turn(loop);
  post.add({2, nullptr, nullptr});
  post.flush();
  post.flush();
  const std::vector<std::vector<uint32_t>> twice{{3, 1}, {2}};
  EXPECT_EQ(sent, twice) << "at once where something else must find it there, and never twice";
}

// The main thread knows "c1" and no other.
TEST(WorkerClustersTest, WhatRequestsWaitForIsAskedForOnTheMainThread) {
  struct Waiting final : cluster::WantedClusters::Waiter {
    void onSettled() override { told = true; }
    bool told = false;
  };
  net::Loop main, own;
  cluster::WorkerClusters clusters(own);
  std::vector<std::string> asked;
  const auto make_one = [&](const std::string& name) {
    asked.push_back(name);
    if (name != "c1") return false;
    own.post([&] { clusters.set(1, make(1)); });
    return true;
  };
  askOnDemand(clusters.wanted(), own, main, make_one, StatScope());
  Waiting known, unknown;
  EXPECT_TRUE(clusters.wanted().wait("c1", known));
  EXPECT_TRUE(clusters.wanted().wait("c2", unknown));
  EXPECT_TRUE(asked.empty()) << "not on the worker's thread";
  event_base_loop(main.base(), EVLOOP_NONBLOCK);
  EXPECT_EQ(asked, (std::vector<std::string>{"c1", "c2"}));
  EXPECT_FALSE(known.told || unknown.told);
  event_base_loop(own.base(), EVLOOP_NONBLOCK);
  EXPECT_TRUE(known.told && unknown.told);
  EXPECT_EQ(clusters.slotOf("c1"), 1u);
  EXPECT_EQ(clusters.slotOf("c2"), cluster::kNoSlot);
  const net::Loop::Turn turn(own);
  clusters.clear();
}

}  // namespace
}  // namespace weir::server
