#include "weir/string_matcher.h"

#include <gtest/gtest.h>

#include "envoy/type/matcher/v3/string.pb.h"

namespace weir {
namespace {

using Proto = envoy::type::matcher::v3::StringMatcher;

TEST(StringMatcher, EachKindWithAndWithoutCase) {
  using Kind = StringMatcher::Kind;
  struct Row {
    Kind kind;
    const char* text;
    bool ignore_case;
    const char* value;
    bool matches;
  };
  const Row rows[] = {
      {Kind::Exact, "ab", false, "ab", true},      {Kind::Exact, "ab", false, "aB", false},
      {Kind::Exact, "aB", true, "Ab", true},       {Kind::Exact, "ab", true, "abc", false},
      {Kind::Exact, "", false, "", true},          {Kind::Prefix, "ab", false, "abc", true},
      {Kind::Prefix, "ab", false, "a", false},     {Kind::Prefix, "AB", true, "abc", true},
      {Kind::Suffix, "bc", false, "abc", true},    {Kind::Suffix, "bc", false, "c", false},
      {Kind::Suffix, "bC", true, "aBc", true},     {Kind::Contains, "bc", false, "abcd", true},
      {Kind::Contains, "bc", false, "abd", false}, {Kind::Contains, "BC", true, "abcd", true},
      {Kind::Contains, "bc", true, "", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(StringMatcher::literal(row.kind, row.text, row.ignore_case).matches(row.value),
              row.matches)
        << row.text << " " << row.value;
  }
}

TEST(StringMatcher, ExpressionsMatchTheWholeValue) {
  Proto proto;
  proto.mutable_safe_regex()->set_regex("a.c");
  const auto matcher = StringMatcher::from(proto);
  ASSERT_TRUE(matcher);
  EXPECT_TRUE(matcher->matches("abc"));
  EXPECT_FALSE(matcher->matches("xabc"));
  EXPECT_FALSE(matcher->matches("abcx"));
}

TEST(StringMatcher, RefusesWithTheField) {
  const auto fieldOf = [](const Proto& proto) {
    const auto made = StringMatcher::from(proto);
    return made ? "accepted" : made.error().field;
  };
  Proto proto;
  EXPECT_EQ(fieldOf(proto), "");
  proto.set_prefix("");
  EXPECT_EQ(fieldOf(proto), "prefix");
  proto.set_suffix("");
  EXPECT_EQ(fieldOf(proto), "suffix");
  proto.set_contains("");
  EXPECT_EQ(fieldOf(proto), "contains");
  proto.mutable_safe_regex()->set_regex("a(");
  EXPECT_EQ(fieldOf(proto), "safe_regex.regex");
  proto.mutable_safe_regex()->set_regex("a");
  proto.set_ignore_case(true);
  EXPECT_EQ(fieldOf(proto), "ignore_case");
  proto.mutable_custom();
  EXPECT_EQ(fieldOf(proto), "custom");
  proto.set_exact("");
  EXPECT_EQ(fieldOf(proto), "accepted") << "an empty exact value is a condition";
}

}  // namespace
}  // namespace weir
