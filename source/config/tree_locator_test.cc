#include "source/config/tree_locator.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weir::config {
namespace {

class TreeLocatorTest : public testing::Test {
 protected:
  void add(const std::string& source, const std::string& text) {
    Report report;
    trees_.push_back(parseYaml(source, text, report));
    ASSERT_NE(trees_.back(), nullptr) << report.text();
  }

  std::string at(std::string_view path) {
    const Place place = TreeLocator(trees_).locate(path);
    return place.source + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  }

  std::vector<std::shared_ptr<const Tree>> trees_;
};

TEST_F(TreeLocatorTest, PointsAtScalarsAndAtTheKeysOfTheRest) {
  add("a", "listeners:\n- name: x\n  address: {host: h}\nby_name:\n  \"a.b[0]\": {name: y}\n");
  EXPECT_EQ(at("listeners[0].name"), "a:2:9");
  EXPECT_EQ(at("listeners[0].address"), "a:3:3");
  EXPECT_EQ(at("listeners[0]"), "a:2:3");
  EXPECT_EQ(at("by_name[\"a.b[0]\"].name"), "a:5:20");
}

TEST_F(TreeLocatorTest, FallsBackToTheNearestAncestor) {
  add("a", "\nlisteners:\n- address: {host: h}\n");
  EXPECT_EQ(at("listeners[0].address.port_value"), "a:3:3");
  EXPECT_EQ(at("listeners[7].address"), "a:2:1");
  EXPECT_EQ(at("admin.address"), "a:2:1");
  EXPECT_EQ(at(""), "a:2:1");
  EXPECT_EQ(at("listeners[x]..["), "a:2:1");
}

TEST_F(TreeLocatorTest, KnowsBothNamesOfAFieldAndAListOfOne) {
  add("a", "byName: {k: {bufferLimitBytes: 5}}\nlisteners: {name: x}\n");
  EXPECT_EQ(at("by_name[\"k\"].buffer_limit_bytes"), "a:1:32");
  EXPECT_EQ(at("listeners[0].name"), "a:2:19");
}

TEST_F(TreeLocatorTest, LooksBelowTheValueOfATypedStruct) {
  add("a", "typed_config:\n  type_url: x\n  value: {stat_prefix: p}\n");
  EXPECT_EQ(at("typed_config.stat_prefix"), "a:3:24");
  EXPECT_EQ(at("typed_config.value.stat_prefix"), "a:3:24");
}

TEST_F(TreeLocatorTest, FollowsTheMergeOfTexts) {
  add("a", "service: {name: n}\nlisteners: [{name: x}, {name: y}]\n");
  add("b", "service: {name: m}\nlisteners: [{name: z}]\n");
  EXPECT_EQ(at("listeners[1].name"), "a:2:31");
  EXPECT_EQ(at("listeners[2].name"), "b:2:20");
  EXPECT_EQ(at("service.name"), "b:1:17");
}

TEST_F(TreeLocatorTest, WithoutTextsKnowsNothing) { EXPECT_EQ(at("a.b"), ":0:0"); }

TEST_F(TreeLocatorTest, PutsTheRestDownToTheSourceWithoutLines) {
  add("a", "service: {name: n}\n");
  const TreeLocator locator(trees_, "x.pb");
  EXPECT_EQ(locator.locate("service.name").source, "a");
  EXPECT_EQ(locator.locate("listeners[0]").source, "x.pb");
  EXPECT_EQ(locator.locate("listeners[0]").line, 0u);
}

}  // namespace
}  // namespace weir::config
