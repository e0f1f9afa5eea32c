#include "source/cluster/round.h"

#include <gtest/gtest.h>

#include <map>

namespace weir::cluster {
namespace {

using Weights = std::vector<uint64_t>;

TEST(Round, EqualWeightsVisitEachOnceInOrder) {
  EXPECT_EQ(makeOrder(Weights{7, 7, 7}), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_TRUE(makeOrder({}).empty());
}

TEST(Round, WeightsAreExactAndSpread) {
  const auto round = makeOrder(Weights{10, 2, 2});  // 5:1:1
  ASSERT_EQ(round.size(), 7u);
  std::map<uint32_t, int> count;
  for (const uint32_t i : round) ++count[i];
  EXPECT_EQ(count[0], 5);
  EXPECT_EQ(count[1], 1);
  EXPECT_NE(round[0], round[6] == 0 ? 1u : 9u);
}

TEST(Round, HugeWeightsStayBoundedAndNobodyStarves) {
  const auto round = makeOrder(Weights{4'000'000'000u, 1, 1'999'999'999u});
  EXPECT_LE(round.size(), kMaxRound + 3);
  std::map<uint32_t, int> count;
  for (const uint32_t i : round) ++count[i];
  EXPECT_GE(count[1], 1);
  EXPECT_NEAR(static_cast<double>(count[0]) / count[2], 2.0, 0.01);
}

TEST(Round, AdvancesFromItsPlaceAndBeginsAnew) {
  Round round{{5, 6, 7}, 1};
  EXPECT_EQ(round.advance(), 7u);
  EXPECT_EQ(round.advance(), 5u);
}

}  // namespace
}  // namespace weir::cluster
