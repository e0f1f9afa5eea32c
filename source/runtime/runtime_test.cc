#include "source/runtime/runtime.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "source/telemetry/stat_store.h"

namespace weir::runtime {
namespace {

google::protobuf::Struct structOf(const std::string& json) {
  google::protobuf::Struct made;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &made).ok()) << json;
  return made;
}

Values valuesOf(const std::string& json) {
  auto values = runtime::valuesOf(structOf(json));
  EXPECT_TRUE(values) << (values ? "" : values.error().text);
  return values ? *std::move(values) : Values();
}

std::string refusal(const std::string& json) {
  const auto values = runtime::valuesOf(structOf(json));
  return values ? "" : values.error().field + ": " + values.error().text.substr(0, 17);
}

TEST(Values, StructsNestWithDots) {
  const Values values = valuesOf(R"({"a": {"b": {"c": 1}, "d": true}, "e.f": "x"})");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values.at("a.b.c").number, 1u);
  EXPECT_EQ(values.at("a.d").flag, true);
  EXPECT_EQ(values.at("e.f").text, "x");
}

TEST(Values, ANumberIsAPercentageToo) {
  const Values values = valuesOf(R"({"a": 30, "b": 3.9, "c": 100000, "d": -1, "e": 1e300})");
  EXPECT_EQ(values.at("a").fraction, (Fraction{30, 100}));
  EXPECT_EQ(values.at("b").number, 3u);
  EXPECT_EQ(values.at("b").text, "3.9");
  EXPECT_EQ(values.at("c").number, 100000u);
  EXPECT_EQ(values.at("c").fraction, (Fraction{100, 100}));
  EXPECT_EQ(values.at("c").flag, std::nullopt);
  for (const char* none : {"d", "e"}) {
    EXPECT_EQ(values.at(none).number, std::nullopt);
    EXPECT_EQ(values.at(none).fraction, std::nullopt);
  }
}

TEST(Values, AFractionIsOneValue) {
  const Values values = valuesOf(R"({"a": {"numerator": 5, "denominator": "MILLION"},
                                     "b": {"numerator": 7}, "c": {"denominator": "HUNDRED"}})");
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values.at("a").fraction, (Fraction{5, 1'000'000}));
  EXPECT_EQ(values.at("a").number, std::nullopt);
  EXPECT_EQ(values.at("a").text, R"({"numerator": 5, "denominator": "MILLION"})");
  EXPECT_EQ(values.at("b").fraction, (Fraction{7, 100}));
  EXPECT_EQ(values.at("c").fraction, (Fraction{0, 100}));
}

TEST(Values, WhatIsNoValueIsNamed) {
  EXPECT_EQ(refusal(R"({"a": {"b": [1]}})"), "a.b: expected a number");
  EXPECT_EQ(refusal(R"({"a": null})"), "a: expected a number");
  EXPECT_EQ(refusal(R"({"f": {"numerator": 1, "denominator": "TEN"}})"), "f: expected a Fracti");
  EXPECT_EQ(refusal(R"({"f": {"numerator": -1}})"), "f: expected a Fracti");
  EXPECT_EQ(refusal(R"({"f": {"numerator": 1, "other": 2}})"), "f: expected a Fracti");
  EXPECT_EQ(refusal(R"({"a": {}})"), "");
}

TEST(Values, TextIsReadAsWhatItLooksLike) {
  EXPECT_EQ(valueOf(" 12\n").number, 12u);
  EXPECT_EQ(valueOf("1.5").number, 1u);
  EXPECT_EQ(valueOf("true").flag, true);
  EXPECT_EQ(valueOf("false").flag, false);
  EXPECT_EQ(valueOf("numerator: 3\ndenominator: TEN_THOUSAND").fraction, (Fraction{3, 10'000}));
  EXPECT_EQ(valueOf(R"({"numerator": 3})").fraction, (Fraction{3, 100}));
  for (const char* text : {"12 apples", "", "numerator: x", "true story", "nan", "inf"}) {
    Value expected;
    expected.text = text;
    EXPECT_EQ(valueOf(text), expected) << text;
  }
}

class RuntimeTest : public testing::Test {
 protected:
  uint64_t stat(const char* name) { return stats_.value(std::string("runtime.") + name).value(); }

  StatStore stats_;
  Runtime runtime_{StatScope(stats_)};
};

TEST_F(RuntimeTest, LaterLayersWin) {
  runtime_.add({.name = "one", .values = valuesOf(R"({"a": 1, "b": 1})")});
  const size_t two = runtime_.add({.name = "two", .values = valuesOf(R"({"b": 2, "c": 2})")});
  runtime_.publish();
  const RuntimeKey a = runtime_.key("a"), b = runtime_.key("b"), c = runtime_.key("c");
  EXPECT_EQ(a.number(), 1u);
  EXPECT_EQ(b.number(), 2u);
  EXPECT_EQ(c.number(), 2u);
  EXPECT_EQ(stat("num_keys"), 3u);
  EXPECT_EQ(stat("num_layers"), 2u);
  runtime_.set(two, Values());
  EXPECT_EQ(b.number(), 1u);
  EXPECT_EQ(c.number(), std::nullopt);
  EXPECT_EQ(stat("num_keys"), 2u);
  EXPECT_EQ(stat("load_success"), 2u);
}

TEST_F(RuntimeTest, KeysFollowTheirValuesKind) {
  const size_t layer = runtime_.add({.name = "one", .values = {}});
  const RuntimeKey key = runtime_.key("k");
  EXPECT_EQ(key.number(), std::nullopt);
  runtime_.set(layer, valuesOf(R"({"k": true})"));
  EXPECT_EQ(key.flag(), true);
  EXPECT_EQ(key.number(), std::nullopt);
  runtime_.set(layer, valuesOf(R"({"k": {"numerator": 1, "denominator": "MILLION"}})"));
  EXPECT_EQ(key.flag(), std::nullopt);
  EXPECT_EQ(key.fraction(), (Fraction{1, 1'000'000}));
  runtime_.set(layer, valuesOf(R"({"k": 0})"));
  EXPECT_EQ(key.fraction(), (Fraction{0, 100}));
  EXPECT_EQ(key.number(), 0u);
  EXPECT_EQ(RuntimeKey().fraction(), std::nullopt);
}

TEST_F(RuntimeTest, KeysOfOneNameShareACell) {
  const size_t layer = runtime_.add({.name = "one", .values = {}});
  const RuntimeKey first = runtime_.key("k");
  { const RuntimeKey dropped = runtime_.key("dropped"); }
  runtime_.set(layer, valuesOf(R"({"k": 1, "dropped": 2})"));
  EXPECT_EQ(runtime_.key("k").number(), 1u);
  EXPECT_EQ(runtime_.key("dropped").number(), 2u);
  EXPECT_EQ(first.number(), 1u);
}

TEST_F(RuntimeTest, TheAdminLayerIsChangedKeyByKey) {
  EXPECT_EQ(runtime_.modify({{"a", "1"}})->text.substr(0, 24), "No admin layer specified");
  runtime_.add({.name = "adm", .values = {}, .is_admin = true});
  runtime_.add({.name = "above", .values = valuesOf(R"({"b": 5})")});
  const RuntimeKey a = runtime_.key("a"), b = runtime_.key("b");
  EXPECT_FALSE(runtime_.modify({{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(a.number(), 1u);
  EXPECT_EQ(b.number(), 5u);
  EXPECT_EQ(stat("admin_overrides_active"), 1u);
  runtime_.modify({{"a", ""}, {"b", ""}});
  EXPECT_EQ(a.number(), std::nullopt);
  EXPECT_EQ(stat("admin_overrides_active"), 0u);
}

TEST_F(RuntimeTest, DirectoriesThatAreNotThereDoNotCount) {
  runtime_.add({.name = "base", .values = {}, .is_disk = true});
  const size_t over =
      runtime_.add({.name = "override", .values = {}, .is_disk = true, .exists = false});
  runtime_.publish();
  EXPECT_EQ(stat("num_layers"), 1u);
  EXPECT_EQ(stat("override_dir_not_exists"), 1u);
  runtime_.set(over, Values());
  EXPECT_EQ(stat("num_layers"), 2u);
  EXPECT_EQ(stat("override_dir_exists"), 1u);
  runtime_.set(over, std::nullopt);
  EXPECT_EQ(stat("num_layers"), 1u);
}

}  // namespace
}  // namespace weir::runtime
