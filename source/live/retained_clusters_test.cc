#include "source/live/retained_clusters.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "source/live/virtual_time.h"

namespace weir::live {
namespace {

using namespace std::chrono_literals;

class RetainedClustersTest : public testing::Test {
 protected:
  cluster::ClusterPtr made(uint32_t slot) {
    cluster::ClusterSettings settings;
    settings.name = "c" + std::to_string(slot);
    return std::make_shared<cluster::Cluster>(slot, std::move(settings), StatScope(time.stats));
  }
  static cluster::NamedClusterPtr named(uint32_t slot) {
    return std::make_shared<const cluster::NamedCluster>(
        cluster::NamedCluster{"c" + std::to_string(slot), slot});
  }
  uint64_t gauge() const { return time.stats.value("retained").value_or(4711); }

  VirtualTime time;
  RuntimeCell cell;
  std::vector<uint32_t> dropped;
  std::set<std::string> coming;
  RetainedClusters retained{
      time.loop,
      StatScope(time.stats).gauge("retained"),
      RuntimeKey(std::shared_ptr<RuntimeCell>(&cell, [](auto*) {})),
      {.drop = [this](uint32_t slot) { dropped.push_back(slot); },
       .is_succeeded = [this](const std::string& name) { return coming.contains(name); }}};
};

TEST_F(RetainedClustersTest, WhatNobodyNamesIsNotKept) {
  EXPECT_FALSE(retained.keep(made(1), {}));
  const RetainedClusters::Names let_go = named(1);
  EXPECT_FALSE(retained.keep(made(1), let_go));
  EXPECT_EQ(retained.find(1), nullptr);
}

TEST_F(RetainedClustersTest, StaysUntilNobodyNamesItAnyMore) {
  auto name = named(1);
  const auto cluster = made(1);
  ASSERT_TRUE(retained.keep(cluster, name));
  EXPECT_EQ(retained.find(1), cluster.get());
  EXPECT_EQ(gauge(), 1u);
  time.pass(5s);
  EXPECT_TRUE(dropped.empty());
  name.reset();
  time.pass(150ms);
  EXPECT_EQ(dropped, std::vector{1u});
  EXPECT_EQ(retained.find(1), nullptr);
  EXPECT_EQ(gauge(), 0u);
}

TEST_F(RetainedClustersTest, TenSecondsAtMost) {
  const auto name = named(1), later = named(2);
  ASSERT_TRUE(retained.keep(made(1), name));
  time.pass(4s);
  ASSERT_TRUE(retained.keep(made(2), later));
  time.pass(5900ms);
  EXPECT_TRUE(dropped.empty());
  time.pass(200ms);
  EXPECT_EQ(dropped, std::vector{1u});
  time.pass(4s);
  EXPECT_EQ(dropped, (std::vector{1u, 2u}));
}

TEST_F(RetainedClustersTest, AnotherVersionThatWarmsFindsItThereHoweverLong) {
  const auto name = named(1);
  ASSERT_TRUE(retained.keep(made(1), name));
  coming.insert("c1");
  time.pass(20s);
  EXPECT_NE(retained.find(1), nullptr);
  retained.replaced(1);
  EXPECT_EQ(gauge(), 0u);
  time.pass(20s);
  EXPECT_TRUE(dropped.empty());
}

TEST_F(RetainedClustersTest, TheRuntimeSaysHowLong) {
  const auto name = named(1);
  cell.set(500, {}, {});
  ASSERT_TRUE(retained.keep(made(1), name));
  time.pass(600ms);
  EXPECT_EQ(dropped, std::vector{1u});
  cell.set(0, {}, {});
  EXPECT_FALSE(retained.keep(made(1), name));
}

}  // namespace
}  // namespace weir::live
