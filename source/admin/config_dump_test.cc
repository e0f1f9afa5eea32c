#include "source/admin/config_dump.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "source/admin/endpoints.h"
#include "source/admin/sample_source.h"

namespace weir::admin {
namespace {

namespace pb = envoy::admin::v3;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ConfigDumpTest : public testing::Test {
 protected:
  Response ask(std::string_view query) {
    Response response = answer(Request::from("GET", "/config_dump" + std::string(query)), source_);
    if (response.page) {
      response.page([&](std::string_view piece) { response.body += piece; });
    }
    return response;
  }
  pb::ConfigDump dump(std::string_view query = "") {
    const Response response = ask(query);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.content_type, kJson);
    pb::ConfigDump message;
    const auto status = google::protobuf::util::JsonStringToMessage(response.body, &message);
    EXPECT_TRUE(status.ok()) << status.ToString() << response.body;
    return message;
  }
  template <typename Message>
  Message at(const pb::ConfigDump& dump, int i) {
    Message message;
    EXPECT_TRUE(dump.configs(i).UnpackTo(&message)) << dump.configs(i).type_url();
    return message;
  }
  static std::vector<std::string> types(const pb::ConfigDump& dump) {
    std::vector<std::string> names;
    for (const auto& any : dump.configs()) {
      names.push_back(any.type_url().substr(any.type_url().rfind('.') + 1));
    }
    return names;
  }

  SampleSource source_;
};

TEST_F(ConfigDumpTest, hasEnvoysSectionsInEnvoysOrder) {
  const pb::ConfigDump all = dump();
  EXPECT_THAT(types(all), ElementsAre("BootstrapConfigDump", "ClustersConfigDump", "EcdsConfigDump",
                                      "ListenersConfigDump", "ScopedRoutesConfigDump",
                                      "RoutesConfigDump", "SecretsConfigDump"));
  const auto bootstrap = at<pb::BootstrapConfigDump>(all, 0);
  EXPECT_EQ(bootstrap.bootstrap().node().id(), "n1");
  EXPECT_EQ(bootstrap.last_updated().seconds(), 1'700'000'000);
  const auto clusters = at<pb::ClustersConfigDump>(all, 1);
  ASSERT_EQ(clusters.static_clusters_size(), 2);
  envoy::config::cluster::v3::Cluster cluster;
  ASSERT_TRUE(clusters.static_clusters(0).cluster().UnpackTo(&cluster));
  EXPECT_EQ(cluster.name(), "back");
  EXPECT_EQ(at<pb::ListenersConfigDump>(all, 3).static_listeners_size(), 1);
  const auto routes = at<pb::RoutesConfigDump>(all, 5);
  ASSERT_EQ(routes.static_route_configs_size(), 1);
  envoy::config::route::v3::RouteConfiguration route;
  ASSERT_TRUE(routes.static_route_configs(0).route_config().UnpackTo(&route));
  EXPECT_EQ(route.name(), "local");
  EXPECT_EQ(at<pb::SecretsConfigDump>(all, 6).static_secrets(0).name(), "gs");
}

TEST_F(ConfigDumpTest, printsAsEnvoyDoesAndNoSecret) {
  const std::string text = ask("").body;
  EXPECT_THAT(text,
              testing::StartsWith("{\n \"configs\": [\n  {\n   \"@type\": "
                                  "\"type.googleapis.com/envoy.admin.v3.BootstrapConfigDump\""));
  EXPECT_THAT(text, HasSubstr("\"static_resources\""));
  EXPECT_THAT(text, HasSubstr("\"last_updated\": \"2023-11-14T22:13:20Z\""));
  EXPECT_THAT(text, HasSubstr("\"inline_string\": \"[redacted]\""));
  EXPECT_THAT(text, Not(HasSubstr("hush")));
  EXPECT_THAT(text, Not(HasSubstr("aGVsbG8=")));  // the Authorization header that routes add
}

TEST_F(ConfigDumpTest, scopesWhereTheyComeFrom) {
  ScopesView list, sent;
  list.name = "list";
  envoy::config::route::v3::ScopedRouteConfiguration scope;
  scope.set_name("one");
  list.scopes.emplace_back().PackFrom(scope);
  list.updated = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  sent.name = "sent";
  sent.dynamic = true;
  sent.version = "v7";
  auto refused = std::make_shared<xds::Resource>();
  refused->version = "v8";
  sent.refused.emplace_back().refused = std::move(refused);
  sent.refused.back().reason = "bad";
  source_.dynamic_views.scopes = {list, sent};
  const auto scopes = at<pb::ScopedRoutesConfigDump>(dump(), 4);
  ASSERT_EQ(scopes.inline_scoped_route_configs_size(), 1);
  EXPECT_EQ(scopes.inline_scoped_route_configs(0).name(), "list");
  EXPECT_EQ(scopes.inline_scoped_route_configs(0).last_updated().seconds(), 1'700'000'000);
  envoy::config::route::v3::ScopedRouteConfiguration shown;
  ASSERT_TRUE(scopes.inline_scoped_route_configs(0).scoped_route_configs(0).UnpackTo(&shown));
  EXPECT_EQ(shown.name(), "one");
  ASSERT_EQ(scopes.dynamic_scoped_route_configs_size(), 1);
  const auto& dynamic = scopes.dynamic_scoped_route_configs(0);
  EXPECT_EQ(dynamic.name(), "sent");
  EXPECT_EQ(dynamic.version_info(), "v7");
  EXPECT_EQ(dynamic.error_state().details(), "bad");
  EXPECT_EQ(dynamic.error_state().version_info(), "v8");
}

TEST_F(ConfigDumpTest, endpointsOnRequest) {
  const pb::ConfigDump all = dump("?include_eds");
  ASSERT_EQ(types(all)[3], "EndpointsConfigDump");
  const auto endpoints = at<pb::EndpointsConfigDump>(all, 3);
  ASSERT_EQ(endpoints.static_endpoint_configs_size(), 2);
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  ASSERT_TRUE(endpoints.static_endpoint_configs(0).endpoint_config().UnpackTo(&assignment));
  EXPECT_EQ(assignment.cluster_name(), "back");
  ASSERT_EQ(assignment.endpoints_size(), 1);
  EXPECT_EQ(assignment.endpoints(0).locality().zone(), "z1");
  EXPECT_EQ(assignment.policy().overprovisioning_factor().value(), 140u);
  EXPECT_EQ(assignment.endpoints(0).lb_endpoints(0).health_status(),
            envoy::config::core::v3::HEALTHY);
  const auto& endpoint = assignment.endpoints(0).lb_endpoints(0).endpoint();
  EXPECT_EQ(endpoint.address().socket_address().port_value(), 19873u);
  const auto& said = assignment.endpoints(0).lb_endpoints(0).metadata().filter_metadata();
  EXPECT_EQ(said.at("envoy.lb").fields().at("version").string_value(), "2");
}

TEST_F(ConfigDumpTest, resourceGivesItsElementsOnly) {
  const pb::ConfigDump clusters = dump("?resource=static_clusters");
  EXPECT_THAT(types(clusters), ElementsAre("StaticCluster", "StaticCluster"));
  EXPECT_THAT(types(dump("?resource=static_route_configs")), ElementsAre("StaticRouteConfig"));
  EXPECT_THAT(types(dump("?resource=static_endpoint_configs")).size(), 2u);
  EXPECT_THAT(types(dump("?resource=dynamic_active_clusters")), IsEmpty());
  EXPECT_THAT(ask("?resource=static_secrets").body, Not(HasSubstr("hush")));

  EXPECT_EQ(ask("?resource=nope").status, 404);
  EXPECT_EQ(ask("?resource=nope").body, "nope not found in config dump\n");
  EXPECT_EQ(ask("?resource=version_info").status, 404);
  EXPECT_EQ(ask("?resource=bootstrap").status, 400);
  EXPECT_EQ(ask("?resource=bootstrap").body,
            "bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field\n");
}

TEST_F(ConfigDumpTest, maskKeepsTheNamedFields) {
  EXPECT_EQ(
      ask("?resource=static_listeners&mask=listener.name").body,
      "{\n \"configs\": [\n  {\n"
      "   \"@type\": \"type.googleapis.com/envoy.admin.v3.ListenersConfigDump.StaticListener\",\n"
      "   \"listener\": {\n"
      "    \"@type\": \"type.googleapis.com/envoy.config.listener.v3.Listener\",\n"
      "    \"name\": \"web\"\n   }\n  }\n ]\n}\n");
  const pb::ConfigDump bootstrap = dump("?mask=bootstrap.node.id,bootstrap.admin");
  ASSERT_THAT(types(bootstrap), ElementsAre("BootstrapConfigDump"));
  const auto message = at<pb::BootstrapConfigDump>(bootstrap, 0);
  EXPECT_EQ(message.bootstrap().node().id(), "n1");
  EXPECT_EQ(message.bootstrap().node().cluster(), "");
  EXPECT_TRUE(message.bootstrap().has_admin());
  EXPECT_FALSE(message.bootstrap().has_static_resources());
  EXPECT_FALSE(message.has_last_updated());
  const auto names = at<pb::ClustersConfigDump>(dump("?mask=static_clusters.cluster.name"), 0);
  EXPECT_EQ(names.static_clusters_size(), 2);

  EXPECT_EQ(ask("?mask=configs").status, 400);
  EXPECT_EQ(ask("?mask=configs").body,
            "FieldMask configs could not be successfully applied to any configs.\n");
}

TEST_F(ConfigDumpTest, nameRegexChoosesByName) {
  const pb::ConfigDump other = dump("?name_regex=^oth");
  EXPECT_EQ(at<pb::ClustersConfigDump>(other, 1).static_clusters_size(), 1);
  EXPECT_EQ(at<pb::ListenersConfigDump>(other, 3).static_listeners_size(), 0);
  EXPECT_EQ(at<pb::RoutesConfigDump>(other, 5).static_route_configs_size(), 0);
  EXPECT_THAT(types(dump("?resource=static_clusters&name_regex=ack")),
              ElementsAre("StaticCluster"));
  EXPECT_EQ(ask("?name_regex=(").status, 400);
}

}  // namespace
}  // namespace weir::admin
