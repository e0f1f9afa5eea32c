#include "source/telemetry/configured_metadata.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "source/telemetry/access_log_format.h"
#include "source/telemetry/access_log_json.h"

namespace weir::telemetry {
namespace {

ConfiguredMetadata sample() {
  envoy::config::core::v3::Metadata proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(filter_metadata { key: "my.ns" value {
           fields { key: "text" value { string_value: "a\"b" } }
           fields { key: "empty" value { string_value: "" } }
           fields { key: "number" value { number_value: 3 } }
           fields { key: "half" value { number_value: 1.5 } }
           fields { key: "yes" value { bool_value: true } }
           fields { key: "nothing" value { null_value: NULL_VALUE } }
           fields { key: "list" value { list_value {
             values { string_value: "x" } values { list_value {} } values { struct_value {} } } } }
           fields { key: "deep" value { struct_value {
             fields { key: "er" value { string_value: "down" } } } } }
         } })",
      &proto));
  return ConfiguredMetadata(proto);
}

std::string logged(const std::string& format, const Metadata* route) {
  auto compiled = AccessLogFormat::compile(format);
  if (!compiled) return compiled.error().text;
  StreamInfo info;
  info.route_metadata = route;
  std::string line;
  compiled->append(line, info);
  return line;
}

TEST(ConfiguredMetadata, isFoundByPath) {
  const ConfiguredMetadata metadata = sample();
  const std::pair<const char*, const char*> rows[] = {
      {"my.ns:text", "a\"b"},
      {"my.ns:empty", ""},
      {"my.ns:number", "3"},
      {"my.ns:half", "1.5"},
      {"my.ns:yes", "true"},
      {"my.ns:nothing", "-"},
      {"my.ns:list", R"(["x",[],{}])"},
      {"my.ns:deep", R"({"er":"down"})"},
      {"my.ns:deep:er", "down"},
      {"my.ns:deep:er:more", "-"},
      {"my.ns:none", "-"},
      {"none", "-"},
      {"none:text", "-"},
      {"my.ns", R"({"deep":{"er":"down"},"empty":"","half":1.5,"list":["x",[],{}],"nothing":null,)"
                R"("number":3,"text":"a\"b","yes":true})"},
  };
  for (const auto& [path, expected] : rows) {
    EXPECT_EQ(logged("%METADATA(ROUTE:" + std::string(path) + ")%", &metadata), expected) << path;
  }
  EXPECT_EQ(logged("%METADATA(ROUTE:my.ns:text):1%", &metadata), "a");
  EXPECT_EQ(logged("%METADATA(CLUSTER:my.ns:text)%", &metadata), "-");
  EXPECT_EQ(logged("%METADATA(ROUTE:my.ns:text)%", nullptr), "-");
}

TEST(ConfiguredMetadata, keepsItsTypeInJson) {
  const ConfiguredMetadata metadata = sample();
  JsonTemplate text;
  text.kind = JsonTemplate::Kind::Text;
  text.text = "%METADATA(ROUTE:my.ns:deep)%";
  JsonTemplate object;
  object.kind = JsonTemplate::Kind::Object;
  object.keys = {"of_route"};
  object.items = {text};
  auto compiled = AccessLogJson::compile(object);
  ASSERT_TRUE(compiled);
  StreamInfo info;
  info.route_metadata = &metadata;
  std::string line;
  compiled->append(line, info);
  EXPECT_EQ(line, "{\"of_route\":{\"er\":\"down\"}}\n");
}

TEST(ConfiguredMetadata, WhatIsSaidOfTheEndpointIsReadTwoWays) {
  envoy::config::core::v3::Metadata proto;
  (*(*proto.mutable_filter_metadata())["envoy.lb"].mutable_fields())["version"].set_number_value(2);
  const ConfiguredMetadata metadata(proto);
  StreamInfo info;
  info.upstream_metadata = &metadata;
  const auto format = AccessLogFormat::compile(
      "%UPSTREAM_METADATA(envoy.lb:version)% %METADATA(UPSTREAM_HOST:envoy.lb)%");
  ASSERT_TRUE(format);
  std::string line;
  format->append(line, info);
  EXPECT_EQ(line, "2 {\"version\":2}");
  EXPECT_EQ(format->unsupported(), std::vector<std::string>());
}

TEST(ConfiguredMetadata, formatsAreChecked) {
  EXPECT_EQ(logged("%METADATA(FOO:a:b)%", nullptr),
            "at position 0: METADATA: 'FOO' has no metadata, expected DYNAMIC, ROUTE, "
            "VIRTUAL_HOST, CLUSTER or UPSTREAM_HOST");
  EXPECT_EQ(logged("%DYNAMIC_METADATA%", nullptr),
            "at position 0: DYNAMIC_METADATA needs a parameter in ()");
  EXPECT_EQ(AccessLogFormat::compile("%METADATA(LISTENER:a)%")->unsupported(),
            std::vector<std::string>{"%METADATA(LISTENER:a)%"});
}

}  // namespace
}  // namespace weir::telemetry
