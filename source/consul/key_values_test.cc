// What Consul says of keys, and what values say.
#include "source/consul/key_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/service/runtime/v3/rtds.pb.h"

namespace weir::consul {
namespace {

using envoy::config::cluster::v3::Cluster;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using xds::ResourceType;

Result<xds::ResourcePtr> resourceOf(const std::string& below, const std::string& value) {
  const auto place = placeOf(below);
  EXPECT_TRUE(place) << below;
  return readResource({"weir/" + below, value, 42}, *place);
}
template <typename Proto>
Proto read(const std::string& below, const std::string& value) {
  const auto resource = resourceOf(below, value);
  Proto proto;
  if (!resource) {
    ADD_FAILURE() << resource.error().text;
    return proto;
  }
  EXPECT_EQ((*resource)->name, below.substr(below.find('/') + 1));
  EXPECT_EQ((*resource)->version, "42");
  EXPECT_TRUE((*resource)->body.UnpackTo(&proto));
  EXPECT_EQ(proto.name(), (*resource)->name);
  return proto;
}
std::string errorOf(const std::string& below, const std::string& value) {
  const auto resource = resourceOf(below, value);
  return resource ? "" : resource.error().text;
}

TEST(ReadKeys, ReadsValuesAndIndexes) {
  const auto keys = readKeys(
      R"([{"LockIndex":0,"Key":"weir/clusters/a","Flags":0,"Value":"YWJj","CreateIndex":1,
           "ModifyIndex":18446744073709551615},
          {"Key":"weir/","Value":null,"ModifyIndex":7},{"Key":"x","ModifyIndex":8}])");
  ASSERT_TRUE(keys) << keys.error().text;
  ASSERT_EQ(keys->size(), 3u);
  EXPECT_EQ((*keys)[0].key, "weir/clusters/a");
  EXPECT_EQ((*keys)[0].value, "abc");
  EXPECT_EQ((*keys)[0].index, UINT64_MAX);
  EXPECT_EQ((*keys)[1].value, "");
  EXPECT_TRUE(readKeys("[]")->empty());
}

TEST(ReadKeys, WhatConsulNeverSaysIsNamed) {
  const struct {
    const char* json;
    const char* field;
    const char* text;
  } cases[] = {
      {"", "", "not JSON"},
      {"{}", "", "expected a list of keys, found an object"},
      {"[1]", "[0]", "expected an object"},
      {R"([{"Key":"a"},{"Value":""}])", "[1].Key", "expected a key"},
      {R"([{"Key":"a","Value":"*"}])", "[0].Value", "expected base64"},
      {R"([{"Key":"a","Value":3}])", "[0].Value", "expected a string"},
      {R"([{"Key":"a","ModifyIndex":-1}])", "[0].ModifyIndex", "expected an index"},
  };
  for (const auto& each : cases) {
    const auto keys = readKeys(each.json);
    ASSERT_FALSE(keys) << each.json;
    EXPECT_EQ(keys.error().field, each.field) << each.json;
    EXPECT_THAT(keys.error().text, HasSubstr(each.text)) << each.json;
  }
}

TEST(ReadKeys, NoDepthAndNoNumberIsTooMuch) {
  EXPECT_FALSE(readKeys(std::string(1'000'000, '[')));
  std::string many = "[";
  for (size_t i = 0; i <= kMostKeys; ++i) many += i == 0 ? "{}" : ",{}";
  EXPECT_THAT(readKeys(many + "]").error().text, HasSubstr("at most 20000 keys, found 20001"));
}

TEST(PlaceOf, IsAFolderAndAName) {
  EXPECT_EQ(placeOf("listeners/a")->type, ResourceType::Listener);
  EXPECT_EQ(placeOf("clusters/a")->type, ResourceType::Cluster);
  EXPECT_EQ(placeOf("routes/a/b")->type, ResourceType::Routes);
  EXPECT_EQ(placeOf("routes/a/b")->name, "a/b");
  EXPECT_EQ(placeOf("runtime/a")->type, ResourceType::Runtime);
  for (const char* below :
       {"", "a", "clusters", "clusters/", "cluster/a", "/clusters/a", "secrets/a"}) {
    EXPECT_FALSE(placeOf(below)) << below;
  }
}

TEST(ReadResource, IsYamlOrJson) {
  for (const char* value :
       {"connect_timeout: 2s\n", "name: web\nconnect_timeout: 2s", "{connect_timeout: 2s}",
        "\n { \"connectTimeout\":\t\"2s\" }", "{\"name\": \"web\", \"connect_timeout\": \"2s\"}"}) {
    EXPECT_EQ(read<Cluster>("clusters/web", value).connect_timeout().seconds(), 2) << value;
  }
  read<Cluster>("clusters/web", "{}");
  read<envoy::config::listener::v3::Listener>("listeners/web", "{enable_mptcp: true}");
  const auto routes = read<envoy::config::route::v3::RouteConfiguration>(
      "routes/web/v1", "virtual_hosts: [{name: all, domains: ['*']}]");
  EXPECT_EQ(routes.virtual_hosts(0).domains(0), "*");
}

// As it stands in a static_layer.
TEST(ReadResource, OfRuntimeIsAMapOfValues) {
  const auto runtime = read<envoy::service::runtime::v3::Runtime>(
      "runtime/base", "health_check.min_interval: 5\nupstream:\n  weight: 7\nname: kept\n");
  EXPECT_EQ(runtime.layer().fields().at("health_check.min_interval").number_value(), 5);
  EXPECT_EQ(
      runtime.layer().fields().at("upstream").struct_value().fields().at("weight").number_value(),
      7);
  EXPECT_EQ(runtime.layer().fields().at("name").string_value(), "kept");
  EXPECT_THAT(errorOf("runtime/base", "- 1\n"), HasSubstr("weir/runtime/base:1"));
}

TEST(ReadResource, RefusesByKeyLineAndField) {
  const struct {
    const char* below;
    const char* value;
    const char* error;
  } cases[] = {
      {"clusters/web", "", "weir/clusters/web: expected a document, found nothing"},
      {"clusters/web", "# nothing\n", "weir/clusters/web: expected a document, found nothing"},
      {"clusters/web", "lb_policy: ROUND_ROBIN\nconnect_timeout: soon\n",
       "weir/clusters/web:2:18: connect_timeout: "},
      {"clusters/web", "\nname: web2\n",
       "weir/clusters/web:2:7: name: expected 'web', as in the key, found 'web2': remove it"},
      {"clusters/web", "conect_timeout: 2s\n", "weir/clusters/web:1:1: conect_timeout: "},
      {"clusters/web", "{\"name\": \"web\",}", "weir/clusters/web:1:16: not JSON"},
      {"routes/web", "a: [\n", "weir/routes/web:"},
      {"listeners/web", "text", "weir/listeners/web:1:1: "},
  };
  for (const auto& each : cases) {
    EXPECT_THAT(errorOf(each.below, each.value), testing::StartsWith(each.error)) << each.value;
  }
}

TEST(ReadResource, OfManyMistakesSaysTheFirst) {
  EXPECT_THAT(errorOf("clusters/web", "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n"),
              AllOf(HasSubstr(":1:1: a: "), HasSubstr("; weir/clusters/web:3:1: c: "),
                    Not(HasSubstr(": d: ")), HasSubstr("; 5 errors in all")));
}

TEST(ReadResource, WhatMeansTheSameHasTheSameBytes) {
  const auto one =
      resourceOf("clusters/web", "metadata: {filter_metadata: {a: {x: 1, y: 2}, b: {}}}");
  const auto other = resourceOf(
      "clusters/web", "# a comment\nmetadata: {filter_metadata: {b: {}, a: {y: 2, x: 1}}}\n");
  EXPECT_EQ((*one)->body.value(), (*other)->body.value());
}

}  // namespace
}  // namespace weir::consul
