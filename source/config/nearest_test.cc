#include "source/config/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::config {
namespace {

TEST(EditDistance, CountsOneForASwap) {
  EXPECT_EQ(editDistance("name", "name", 4), 0u);
  EXPECT_EQ(editDistance("nmae", "name", 4), 1u);
  EXPECT_EQ(editDistance("adress", "address", 4), 1u);
  EXPECT_EQ(editDistance("kitten", "sitting", 4), 3u);
  EXPECT_EQ(editDistance("", "abc", 4), 3u);
}

TEST(EditDistance, IgnoresCaseAndUnderscores) {
  EXPECT_EQ(editDistance("routeConfig", "route_config", 4), 0u);
  EXPECT_EQ(editDistance("ROUND-ROBIN", "round_robin", 4), 0u);
}

TEST(EditDistance, GivesUpBeyondTheLimit) {
  EXPECT_EQ(editDistance("abcdef", "uvwxyz", 2), 3u);
  EXPECT_EQ(editDistance("a", "abcdefgh", 2), 3u);
}

TEST(Nearest, FindsTheSlipAndNothingFartherOff) {
  EXPECT_EQ(nearest("nmae", {"name", "node", "names"}), "name");
  EXPECT_EQ(nearest("foo", {"to", "bar"}), std::nullopt);
  EXPECT_EQ(nearest("x", {"y"}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 'n'), {"name"}), std::nullopt);
}

}  // namespace
}  // namespace weir::config
