#include "source/cluster/round.h"

#include <gtest/gtest.h>

#include <map>

namespace weir::cluster {
namespace {

EndpointSet setOf(std::initializer_list<uint32_t> weights) {
  EndpointSet set;
  for (const uint32_t weight : weights) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->weight = weight;
    set.all.push_back(std::move(endpoint));
  }
  return set;
}

TEST(Round, EqualWeightsVisitEachOnceInOrder) {
  EXPECT_EQ(makeRound(setOf({7, 7, 7})), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_TRUE(makeRound(EndpointSet{}).empty());
}

TEST(Round, WeightsAreExactAndSpread) {
  const auto round = makeRound(setOf({10, 2, 2}));  // 5:1:1
  ASSERT_EQ(round.size(), 7u);
  std::map<uint32_t, int> count;
  for (const uint32_t i : round) ++count[i];
  EXPECT_EQ(count[0], 5);
  EXPECT_EQ(count[1], 1);
  EXPECT_NE(round[0], round[6] == 0 ? 1u : 9u);
}

TEST(Round, HugeWeightsStayBoundedAndNobodyStarves) {
  const auto round = makeRound(setOf({4'000'000'000u, 1, 1'999'999'999u}));
  EXPECT_LE(round.size(), kMaxRound + 3);
  std::map<uint32_t, int> count;
  for (const uint32_t i : round) ++count[i];
  EXPECT_GE(count[1], 1);
  EXPECT_NEAR(static_cast<double>(count[0]) / count[2], 2.0, 0.01);
}

TEST(Round, OnlyTheFirstPriorityIsUsed) {
  EndpointSet set = setOf({1, 1});
  auto backup = std::make_shared<Endpoint>();
  backup->priority = 1;
  set.all.insert(set.all.begin(), backup);
  EXPECT_EQ(makeRound(set), (std::vector<uint32_t>{1, 2}));
}

}  // namespace
}  // namespace weir::cluster
