// What requests match is checked row by row, and against Envoy, by the router's decision table;
// here is what that table cannot say.
#include "weir/header_matcher.h"

#include <gtest/gtest.h>

#include "envoy/config/route/v3/route_components.pb.h"

namespace weir {
namespace {

using Proto = envoy::config::route::v3::HeaderMatcher;

TEST(HeaderMatcher, ReadsResponses) {
  ChunkPool pool;
  Arena arena(pool);
  ResponseHead head(arena);
  head.status = 503;
  head.fields.add("x-a", "1");
  Proto proto;
  proto.set_name(":status");
  proto.mutable_range_match()->set_start(500);
  proto.mutable_range_match()->set_end(600);
  EXPECT_TRUE(HeaderMatcher::from(proto)->matches(head));
  head.status = 200;
  EXPECT_FALSE(HeaderMatcher::from(proto)->matches(head));
  proto.set_name("X-A");
  proto.set_present_match(true);
  EXPECT_TRUE(HeaderMatcher::from(proto)->matches(head));
  EXPECT_TRUE(HeaderMatcher::from(proto)->matches(head.fields));
}

TEST(HeaderMatcher, AMissingPseudoFieldIsMissing) {
  ChunkPool pool;
  Arena arena(pool);
  RequestHead connect(arena);
  connect.setMethod("CONNECT");
  Proto proto;
  proto.set_name(":path");
  proto.set_invert_match(true);
  proto.mutable_string_match()->set_exact("/x");
  EXPECT_FALSE(HeaderMatcher::from(proto)->matches(connect)) << "not even inverted";
  proto.set_treat_missing_header_as_empty(true);
  EXPECT_TRUE(HeaderMatcher::from(proto)->matches(connect));
}

TEST(HeaderMatcher, RangesReadWholeIntegersOnly) {
  ChunkPool pool;
  Arena arena(pool);
  Proto proto;
  proto.set_name("x");
  proto.mutable_range_match()->set_start(INT64_MIN);
  proto.mutable_range_match()->set_end(INT64_MAX);
  const auto matcher = HeaderMatcher::from(proto);
  const std::pair<const char*, bool> rows[] = {{"0", true},
                                               {"-9223372036854775808", true},
                                               {"9223372036854775808", false},
                                               {"", false},
                                               {"+5", true},
                                               {"+-5", false},
                                               {"5 ", false},
                                               {"0x5", false},
                                               {"5.0", false},
                                               {"--5", false}};
  for (const auto& [value, matches] : rows) {
    Fields fields(arena);
    fields.add("x", value);
    EXPECT_EQ(matcher->matches(fields), matches) << "'" << value << "'";
  }
}

TEST(HeaderMatcher, RefusesWithTheField) {
  const auto fieldOf = [](const Proto& proto) {
    const auto made = HeaderMatcher::from(proto);
    return made ? "accepted" : made.error().field;
  };
  Proto proto;
  EXPECT_EQ(fieldOf(proto), "name");
  proto.set_name("a b");
  EXPECT_EQ(fieldOf(proto), "name");
  proto.set_name("a");
  proto.set_prefix_match("");
  EXPECT_EQ(fieldOf(proto), "prefix_match");
  proto.mutable_safe_regex_match()->set_regex("(");
  EXPECT_EQ(fieldOf(proto), "safe_regex_match.regex");
  proto.mutable_string_match()->set_suffix("");
  EXPECT_EQ(fieldOf(proto), "string_match.suffix");
}

}  // namespace
}  // namespace weir
