// What the build must give everyone who links weir_api: every message of every .proto file, ready
// for JSON and for Any, under the names operators write. (That the fields are the real ones is
// checked against the public package by tools/check_api, which needs the network.)
#include <filesystem>
#include <string>
#include <vector>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/filters/http/jwt_authn/v3/config.pb.h"

namespace weir::api {
namespace {

namespace pb = google::protobuf;

// Paths as protoc knows them: relative to the folder api/.
std::vector<std::string> protoFiles() {
  const std::filesystem::path root = "api";
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".proto") {
      files.push_back(std::filesystem::relative(entry.path(), root).string());
    }
  }
  return files;
}

void addMessages(const pb::Descriptor* message, std::vector<std::string>& names) {
  if (message->options().map_entry()) return;
  names.push_back(message->full_name());
  for (int i = 0; i < message->nested_type_count(); ++i) {
    addMessages(message->nested_type(i), names);
  }
}

std::vector<std::string> messageNames() {
  std::vector<std::string> names;
  for (const auto& path : protoFiles()) {
    const auto* file = pb::DescriptorPool::generated_pool()->FindFileByName(path);
    if (file == nullptr) continue;
    for (int i = 0; i < file->message_type_count(); ++i) addMessages(file->message_type(i), names);
  }
  return names;
}

TEST(Api, EveryProtoFileIsLinkedThoughNoCodeNamesIt) {
  const auto files = protoFiles();
  EXPECT_GT(files.size(), 300u);
  for (const auto& path : files) {
    EXPECT_NE(pb::DescriptorPool::generated_pool()->FindFileByName(path), nullptr) << path;
  }
}

TEST(Api, EveryMessageTravelsInAnAnyThroughJson) {
  const auto names = messageNames();
  EXPECT_GT(names.size(), 900u);
  for (const auto& name : names) {
    const std::string json = R"({"@type":"type.googleapis.com/)" + name + R"("})";
    pb::Any any;
    ASSERT_TRUE(pb::util::JsonStringToMessage(json, &any).ok()) << name;
    std::string printed;
    ASSERT_TRUE(pb::util::MessageToJsonString(any, &printed).ok()) << name;
    EXPECT_EQ(printed, json);
  }
}

TEST(Api, FieldNamedLikeAKeywordKeepsItsNameInConfiguration) {
  envoy::extensions::filters::http::jwt_authn::v3::RequirementRule rule;
  const auto parsed =
      pb::util::JsonStringToMessage(R"({"requires":{"provider_name":"corp"}})", &rule);
  ASSERT_TRUE(parsed.ok()) << parsed.ToString();
  EXPECT_EQ(rule.requires_().provider_name(), "corp");
}

TEST(Api, DeprecatedFieldsAreReadableAndStillMarked) {
  envoy::config::route::v3::HeaderMatcher matcher;
  matcher.set_exact_match("x");
  EXPECT_EQ(matcher.exact_match(), "x");
  const auto* field = matcher.GetDescriptor()->FindFieldByName("exact_match");
  ASSERT_NE(field, nullptr);
  EXPECT_TRUE(field->options().deprecated());
}

TEST(Api, BootstrapTakesSnakeCaseCamelCaseAndNestedTypes) {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  const auto parsed = pb::util::JsonStringToMessage(R"({
    "static_resources": {"clusters": [{
      "name": "origin",
      "connectTimeout": "0.250s",
      "typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
          "explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": 100}}
        }}}]}})",
                                                    &bootstrap);
  ASSERT_TRUE(parsed.ok()) << parsed.ToString();
  const auto& cluster = bootstrap.static_resources().clusters(0);
  EXPECT_EQ(cluster.connect_timeout().nanos(), 250'000'000);
  EXPECT_EQ(cluster.typed_extension_protocol_options().size(), 1u);
}

}  // namespace
}  // namespace weir::api
