// Shares of traffic that the runtime changes while a table is in use.
#include <gtest/gtest.h>

#include "source/router/recording_build.h"

namespace weir::router {
namespace {

class RuntimeKeys : public testing::Test {
 protected:
  void load(const std::string& routes) {
    table_ = RouteTable::from(
        routesFromJson(R"({"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [)" +
                       routes + "]}]}"),
        build_);
    ASSERT_NE(table_, nullptr) << build_.allErrors();
  }
  // The cluster of a request for which `random` was drawn.
  std::string clusterFor(uint64_t random) {
    TestRequest request("GET", "a.test", "/");
    const Match match = table_->find({.head = request.head, .random = random});
    return std::string(match.route->cluster()->choose(request.head, random).name);
  }
  std::string clustersFor(uint64_t end) {
    std::string names;
    for (uint64_t random = 0; random < end; ++random) names += clusterFor(random);
    return names;
  }
  RuntimeCell& key(const char* name) { return *build_.cells.at(name); }

  RecordingBuild build_;
  std::shared_ptr<const RouteTable> table_;
};

TEST_F(RuntimeKeys, AFractionMayChange) {
  load(R"({"match": {"prefix": "/", "runtime_fraction": {
             "default_value": {"numerator": 2}, "runtime_key": "half"}}, "route": {"cluster": "a"}},
          {"match": {"prefix": "/"}, "route": {"cluster": "b"}})");
  EXPECT_EQ(clustersFor(4), "aabb");
  key("half").set({}, {}, Fraction{3, 1'000'000});
  EXPECT_EQ(clustersFor(4), "aaab");
  EXPECT_EQ(clusterFor(100), "b");
  key("half").set({}, {}, Fraction{0, 100});
  EXPECT_EQ(clustersFor(4), "bbbb");
  key("half").set({}, {}, {});
  EXPECT_EQ(clustersFor(4), "aabb");
}

TEST_F(RuntimeKeys, WeightsMayChange) {
  load(R"({"match": {"prefix": "/"}, "route": {"weighted_clusters": {
             "runtime_key_prefix": "w", "clusters": [
               {"name": "a", "weight": 1}, {"name": "b", "weight": 2}, {"name": "c", "weight": 1}
             ]}}})");
  EXPECT_EQ(clustersFor(4), "abbc");
  key("w.b").set(0, {}, {});
  EXPECT_EQ(clustersFor(4), "acac");
  key("w.c").set(3, {}, {});
  EXPECT_EQ(clustersFor(4), "accc");
  key("w.a").set(0, {}, {});
  key("w.c").set(0, {}, {});
  EXPECT_EQ(clustersFor(4), "aaaa");
  key("w.b").set(UINT64_MAX - 1, {}, {});
  EXPECT_EQ(clustersFor(4), "bbbb");
}

}  // namespace
}  // namespace weir::router
