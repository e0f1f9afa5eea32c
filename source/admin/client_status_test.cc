#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/service/status/v3/csds.pb.h"
#include "source/admin/endpoints.h"
#include "source/admin/sample_source.h"

namespace weir::admin {
namespace {

namespace pb = envoy::service::status::v3;
using testing::HasSubstr;
using testing::Not;

class ClientStatusTest : public testing::Test {
 protected:
  Response ask(std::string_view body = "") {
    Request request = Request::from("POST", "/v3/discovery:client_status");
    request.body = body;
    Response response = answer(request, source_);
    if (response.page) {
      response.page([&](std::string_view piece) { response.body += piece; });
    }
    return response;
  }
  pb::ClientConfig status(std::string_view body = "") {
    const Response response = ask(body);
    EXPECT_EQ(response.status, 200) << response.body;
    pb::ClientStatusResponse message;
    const auto read = google::protobuf::util::JsonStringToMessage(response.body, &message);
    EXPECT_TRUE(read.ok()) << read.ToString() << response.body;
    EXPECT_EQ(message.config_size(), 1);
    return message.config_size() == 1 ? message.config(0) : pb::ClientConfig();
  }
  // A resource by the end of its type's name, and its own.
  static pb::ClientConfig::GenericXdsConfig of(const pb::ClientConfig& all, std::string_view type,
                                               std::string_view name) {
    for (const auto& entry : all.generic_xds_configs()) {
      if (entry.type_url().ends_with(type) && entry.name() == name) return entry;
    }
    ADD_FAILURE() << "no " << type << " " << name;
    return {};
  }
  static xds::ResourcePtr resource(const std::string& name, const std::string& version) {
    auto made = std::make_shared<xds::Resource>();
    made->name = name;
    made->version = version;
    envoy::config::cluster::v3::Cluster cluster;
    cluster.set_name(name);
    made->body.PackFrom(cluster);
    return made;
  }

  SampleSource source_;
};

TEST_F(ClientStatusTest, StaticResourcesSaySo) {
  const pb::ClientConfig all = status();
  EXPECT_EQ(all.node().id(), "n1");
  const auto web = of(all, ".Listener", "web");
  EXPECT_TRUE(web.is_static_resource());
  EXPECT_EQ(web.last_updated().seconds(), 1'700'000'000);
  EXPECT_TRUE(of(all, ".Cluster", "back").has_xds_config());
  const auto endpoints = of(all, ".ClusterLoadAssignment", "back");
  EXPECT_TRUE(endpoints.is_static_resource());
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  ASSERT_TRUE(endpoints.xds_config().UnpackTo(&assignment));
  EXPECT_EQ(assignment.endpoints(0).lb_endpoints_size(), 1);
}

TEST_F(ClientStatusTest, EachResourceOfAControlPlaneHasItsState) {
  source_.dynamic_views.clusters = {
      {.name = "good",
       .active = resource("good", "v1"),
       .warming = {},
       .updated = {},
       .refused = {},
       .reason = {},
       .refused_at = {}},
      {.name = "warm",
       .active = {},
       .warming = resource("warm", "v2"),
       .updated = {},
       .refused = {},
       .reason = {},
       .refused_at = {}},
      {.name = "bad",
       .active = resource("bad", "v1"),
       .warming = {},
       .updated = {},
       .refused = resource("bad", "v3"),
       .reason = "lb_policy: no",
       .refused_at = {}},
  };
  source_.dynamic_views.routes = {{.name = "awaited",
                                   .active = {},
                                   .warming = {},
                                   .updated = {},
                                   .refused = {},
                                   .reason = {},
                                   .refused_at = {}}};
  const pb::ClientConfig all = status();
  EXPECT_EQ(of(all, ".Cluster", "good").client_status(), envoy::admin::v3::ACKED);
  EXPECT_EQ(of(all, ".Cluster", "good").version_info(), "v1");
  EXPECT_EQ(of(all, ".Cluster", "warm").version_info(), "v2");
  const auto bad = of(all, ".Cluster", "bad");
  EXPECT_EQ(bad.client_status(), envoy::admin::v3::NACKED);
  EXPECT_EQ(bad.version_info(), "v1");
  EXPECT_EQ(bad.error_state().details(), "lb_policy: no");
  EXPECT_EQ(bad.error_state().version_info(), "v3");
  EXPECT_TRUE(bad.error_state().has_failed_configuration());
  const auto awaited = of(all, ".RouteConfiguration", "awaited");
  EXPECT_EQ(awaited.client_status(), envoy::admin::v3::REQUESTED);
  EXPECT_FALSE(awaited.has_xds_config());
}

TEST_F(ClientStatusTest, ContentsAreLeftOutOnRequest) {
  source_.dynamic_views.clusters = {{.name = "bad",
                                     .active = {},
                                     .warming = {},
                                     .updated = {},
                                     .refused = resource("bad", "v3"),
                                     .reason = "no",
                                     .refused_at = {}}};
  const pb::ClientConfig all = status(R"({"exclude_resource_contents": true})");
  for (const auto& entry : all.generic_xds_configs()) EXPECT_FALSE(entry.has_xds_config());
  const auto bad = of(all, ".Cluster", "bad");
  EXPECT_EQ(bad.error_state().details(), "no");
  EXPECT_FALSE(bad.error_state().has_failed_configuration());
}

TEST_F(ClientStatusTest, SecretsAreHidden) {
  envoy::extensions::transport_sockets::tls::v3::Secret secret;
  secret.mutable_generic_secret()->mutable_secret()->set_inline_string("whisper");
  auto made = std::make_shared<xds::Resource>();
  made->body.PackFrom(secret);
  source_.dynamic_views.secrets = {{.name = "s",
                                    .active = made,
                                    .warming = {},
                                    .updated = {},
                                    .refused = made,
                                    .reason = {},
                                    .refused_at = {}}};
  const std::string body = ask().body;
  EXPECT_THAT(body, HasSubstr("[redacted]"));
  EXPECT_THAT(body, Not(HasSubstr("whisper")));
  EXPECT_THAT(body, Not(HasSubstr("hush")));
}

TEST_F(ClientStatusTest, OnlyTheNodeThatIsMeantAnswers) {
  EXPECT_EQ(status(R"({"node_matchers": [{"node_id": {"exact": "n1"}}]})").node().id(), "n1");
  EXPECT_EQ(status(R"({"node_matchers": [{"node_id": {"exact": "x"}}, {}]})").node().id(), "n1");
  EXPECT_EQ(ask(R"({"node_matchers": [{"node_id": {"exact": "n2"}}]})").body, "{}\n");
}

TEST_F(ClientStatusTest, WhatCannotBeAnsweredIsRefusedByName) {
  EXPECT_EQ(ask("{").status, 400);
  EXPECT_THAT(ask(R"({"nodes": []})").body, HasSubstr("nodes"));
  const Response metadata = ask(R"({"node_matchers": [{"node_metadatas": [{}]}]})");
  EXPECT_EQ(metadata.status, 400);
  EXPECT_EQ(metadata.body, "node_matchers[0].node_metadatas: is not honoured; ask by node_id\n");
  const Response pattern =
      ask(R"({"node_matchers": [{"node_id": {"safe_regex": {"regex": "("}}}]})");
  EXPECT_EQ(pattern.status, 400);
  EXPECT_THAT(pattern.body, HasSubstr("node_matchers[0].node_id.safe_regex"));
}

}  // namespace
}  // namespace weir::admin
