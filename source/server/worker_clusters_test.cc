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
  worker.setCluster(0, std::move(first));
  EXPECT_FALSE(former.expired());
  const cluster::ClusterPtr next = make(0);
  worker.setCluster(0, next);
  EXPECT_TRUE(former.expired());
  worker.updateEndpoints(next, std::make_shared<cluster::EndpointSet>());
  EXPECT_EQ(next.use_count(), 2) << "nothing waits for a start that may never come";
}

TEST(WorkerClustersTest, ClustersComeAndGoWhileItRuns) {
  Worker worker(0, 1);
  cluster::ClusterPtr now = make(0);
  worker.setCluster(0, now);
  worker.start();
  for (int i = 0; i < 1000; ++i) {
    cluster::ClusterPtr next = make(0);
    next->publish(std::make_shared<cluster::EndpointSet>());
    worker.setCluster(0, next);
    worker.updateEndpoints(now, now->endpoints());  // too late: it has left its slot
    worker.updateEndpoints(next, next->endpoints());
    worker.setCluster(1 + static_cast<uint32_t>(i % 10),
                      i % 3 == 0 ? nullptr : make(static_cast<uint32_t>(1 + i % 10)));
    const std::weak_ptr<cluster::Cluster> former = std::exchange(now, std::move(next));
    if (i % 100 == 0) {
      EXPECT_TRUE(goesSoon(former));
    }
  }
  const std::weak_ptr<cluster::Cluster> last = now;
  worker.setCluster(0, nullptr);
  now.reset();
  EXPECT_TRUE(goesSoon(last));
  worker.stop();
  worker.join();
}

}  // namespace
}  // namespace weir::server
