#include "source/live/former_names.h"

#include <gtest/gtest.h>

#include "source/live/virtual_time.h"

namespace weir::live {
namespace {

using namespace std::chrono_literals;

FormerNames::Names naming(uint32_t slot) {
  auto names = std::make_shared<cluster::NamedClusters>();
  names->all.push_back(
      std::make_shared<const cluster::NamedCluster>(cluster::NamedCluster{"c", slot}));
  return names;
}

TEST(FormerNames, ASecondForWhoBeganBefore) {
  VirtualTime time;
  FormerNames former(time.loop);
  const auto one = naming(1), two = naming(2);
  former.add(nullptr);
  former.add(one);
  time.pass(600ms);
  former.add(two);
  EXPECT_EQ(one->all.size(), 1u);
  time.pass(500ms);
  EXPECT_TRUE(one->all.empty()) << "whoever has the plan yet";
  EXPECT_EQ(two->all.size(), 1u);
  time.pass(600ms);
  EXPECT_TRUE(two->all.empty());
}

TEST(FormerNames, NothingStaysBehindIt) {
  VirtualTime time;
  const auto one = naming(1);
  FormerNames(time.loop).add(one);
  EXPECT_TRUE(one->all.empty());
}

}  // namespace
}  // namespace weir::live
