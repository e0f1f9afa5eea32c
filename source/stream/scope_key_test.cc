// Which scope a request belongs to, by its header fields.
#include "source/stream/scope_key.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::stream {
namespace {

using Key = envoy::config::route::v3::ScopedRouteConfiguration::Key;

class ScopeKeyTest : public ::testing::Test {
 protected:
  // `text` is a list of header_value_extractors.
  static ScopeKeyBuilder::Proto proto(const std::vector<std::string>& extractors) {
    ScopeKeyBuilder::Proto proto;
    for (const std::string& text : extractors) {
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
          text, proto.add_fragments()->mutable_header_value_extractor()));
    }
    return proto;
  }
  std::optional<std::string> keyOf(const std::vector<std::string>& extractors) const {
    Report report;
    const auto builder = ScopeKeyBuilder::from(proto(extractors), Where(report));
    EXPECT_TRUE(report.ok()) << report.text();
    return builder.keyOf(head_);
  }
  static std::optional<std::string> scope(const std::vector<std::string>& fragments) {
    Key key;
    for (const std::string& text : fragments) key.add_fragments()->set_string_key(text);
    Report report;
    return readScopeKey(key, Where(report));
  }
  // The places of what is wrong.
  static std::string refused(const ScopeKeyBuilder::Proto& proto) {
    Report report;
    ScopeKeyBuilder::from(proto, Where(report));
    std::string places;
    for (const Problem& problem : report.sorted()) places += problem.path + ";";
    return places;
  }

  ChunkPool chunks_;
  Arena arena_{chunks_};
  RequestHead head_{arena_};
};

// As go-control-plane's test asks for it.
TEST_F(ScopeKeyTest, TheHostIsTheAuthority) {
  head_.authority = "127.0.0.1:9002";
  for (const char* name : {"Host", "host", ":authority"}) {
    EXPECT_EQ(keyOf({"name: '" + std::string(name) + "' index: 0"}), scope({"127.0.0.1:9002"}));
  }
  EXPECT_NE(scope({"127.0.0.1:9002"}), scope({"127.0.0.1:9003"}));
}

TEST_F(ScopeKeyTest, ElementsByTheirPlace) {
  head_.fields.add("x-scope", "a,,c");
  EXPECT_EQ(keyOf({"name: 'X-Scope' index: 0"}), scope({"a,,c"}));
  EXPECT_EQ(keyOf({"name: 'x-scope' element_separator: ',' index: 0"}), scope({"a"}));
  EXPECT_EQ(keyOf({"name: 'x-scope' element_separator: ',' index: 1"}), scope({""}));
  EXPECT_EQ(keyOf({"name: 'x-scope' element_separator: ',' index: 2"}), scope({"c"}));
  EXPECT_EQ(keyOf({"name: 'x-scope' element_separator: ',' index: 3"}), std::nullopt);
  EXPECT_EQ(keyOf({"name: 'x-scope' element_separator: ',,' index: 1"}), scope({"c"}));
}

TEST_F(ScopeKeyTest, ElementsByTheirKey) {
  head_.fields.add("x-scope", "vip=10.0.0.1;path;vip=10.0.0.2;eq=a=b;");
  const auto of = [&](const std::string& key) {
    return keyOf(
        {"name: 'x-scope' element_separator: ';' element { separator: '=' key: '" + key + "' }"});
  };
  EXPECT_EQ(of("vip"), scope({"10.0.0.1"}));  // the first
  EXPECT_EQ(of("path"), scope({""}));         // an element without a separator is all key
  EXPECT_EQ(of("eq"), scope({"a=b"}));
  EXPECT_EQ(of("vi"), std::nullopt);
  EXPECT_EQ(of("VIP"), std::nullopt);
  EXPECT_EQ(keyOf({"name: 'x-scope' element { separator: '=' key: 'vip' }"}),
            scope({"10.0.0.1;path;vip=10.0.0.2;eq=a=b;"}));
}

TEST_F(ScopeKeyTest, EveryFragmentMustBeThere) {
  const std::vector<std::string> both{"name: 'x-one' index: 0", "name: 'x-two' index: 0"};
  head_.fields.add("x-one", "1");
  EXPECT_EQ(keyOf(both), std::nullopt);
  head_.fields.add("x-two", "2");
  EXPECT_EQ(keyOf(both), scope({"1", "2"}));
  EXPECT_NE(keyOf(both), scope({"2", "1"}));
  EXPECT_NE(keyOf(both), scope({"12"}));
  EXPECT_NE(scope({"1", "2"}), scope({"12", ""}));
}

// The rest may be a client's own.
TEST_F(ScopeKeyTest, OfSeveralFieldsTheFirstCounts) {
  head_.fields.add("x-scope", "mine");
  head_.fields.add("x-scope", "yours");
  EXPECT_EQ(keyOf({"name: 'x-scope' index: 0"}), scope({"mine"}));
}

TEST_F(ScopeKeyTest, WhatIsNotSaidIsRefused) {
  EXPECT_EQ(refused({}), "fragments;");
  EXPECT_EQ(refused(proto({"index: 0"})), "fragments[0].header_value_extractor.name;");
  EXPECT_EQ(refused(proto({"name: ':path' index: 0"})),
            "fragments[0].header_value_extractor.name;");
  EXPECT_EQ(refused(proto({"name: 'a'"})), "fragments[0].header_value_extractor;");
  EXPECT_EQ(refused(proto({"name: 'a' index: 0", "name: 'a' index: 1"})),
            "fragments[1].header_value_extractor.index;");
  EXPECT_EQ(refused(proto({"name: 'a' element { key: 'k' }"})),
            "fragments[0].header_value_extractor.element.separator;");
  EXPECT_EQ(refused(proto({"name: 'a' element { separator: '=' }"})),
            "fragments[0].header_value_extractor.element.key;");
  ScopeKeyBuilder::Proto untyped;
  untyped.add_fragments();
  EXPECT_EQ(refused(untyped), "fragments[0].header_value_extractor;");
}

TEST_F(ScopeKeyTest, AScopeNeedsAKey) {
  EXPECT_EQ(scope({}), std::nullopt);
  Key key;
  key.add_fragments();
  Report report;
  EXPECT_EQ(readScopeKey(key, Where(report)), std::nullopt);
  EXPECT_EQ(report.sorted().front().path, "fragments[0]");
}

}  // namespace
}  // namespace weir::stream
