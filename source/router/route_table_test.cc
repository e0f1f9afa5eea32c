#include "source/router/route_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "source/router/recording_build.h"

namespace weir::router {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// A table of one virtual host with these routes.
std::string withRoutes(const std::string& routes) {
  return R"({"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [)" + routes + "]}]}";
}

std::vector<std::string> errorsOf(const std::string& json) {
  RecordingBuild build;
  EXPECT_EQ(RouteTable::from(routesFromJson(json), build), nullptr) << json;
  return build.errors;
}

std::vector<std::string> warningsOf(const std::string& json) {
  RecordingBuild build;
  EXPECT_NE(RouteTable::from(routesFromJson(json), build), nullptr) << build.allErrors();
  return build.warnings;
}

TEST(RouteTable, ReportsEveryErrorInOnePassWithItsPath) {
  EXPECT_THAT(
      errorsOf(R"({"virtual_hosts": [
        {"name": "a", "domains": ["x.com", "*"]},
        {"name": "a", "domains": ["X.com", "", "*"], "routes": [
          {"match": {"safe_regex": {"regex": "("}}, "route": {"cluster": "c"}},
          {"match": {"prefix": "/"}},
          {"route": {"cluster": "c"}},
          {"match": {"prefix": "/", "headers": [{"name": "a b"},
             {"name": "ok", "string_match": {"prefix": ""}}]}, "direct_response": {"status": 99}},
          {"match": {"path_separated_prefix": "/a/"}, "route": {}},
          {"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": [{"name": "c"}]}}}
        ]}]})"),
      UnorderedElementsAre(
          StartsWith("virtual_hosts[1].name: 'a' is the name of an earlier"),
          StartsWith(
              "virtual_hosts[1].domains[0]: 'X.com' is already a domain of virtual host 'a'"),
          StartsWith("virtual_hosts[1].domains[1]:"),
          StartsWith("virtual_hosts[1].domains[2]: '*' is already"),
          StartsWith("virtual_hosts[1].routes[0].match.safe_regex.regex: '(' is not an RE2"),
          StartsWith("virtual_hosts[1].routes[1]: one of route, redirect"),
          StartsWith("virtual_hosts[1].routes[2].match: is missing"),
          StartsWith("virtual_hosts[1].routes[3].match.headers[0].name: 'a b'"),
          StartsWith("virtual_hosts[1].routes[3].match.headers[1].string_match.prefix: is empty"),
          StartsWith("virtual_hosts[1].routes[3].direct_response.status: 99"),
          StartsWith("virtual_hosts[1].routes[4].match.path_separated_prefix:"),
          StartsWith("virtual_hosts[1].routes[4].route: one of cluster"),
          StartsWith("virtual_hosts[1].routes[5].route.weighted_clusters.clusters: the sum")));
}

TEST(RouteTable, RefusesByNameWhatDecidesTrafficAndIsNotHonoured) {
  const auto refused = [](const std::string& routes) {
    return testing::Matches(ElementsAre(HasSubstr(routes)));
  };
  const std::pair<const char*, const char*> cases[] = {
      {R"({"match": {"prefix": "/", "dynamic_metadata": [{"filter": "f"}]},
            "route": {"cluster": "c"}})",
       "match.dynamic_metadata: "},
      {R"({"match": {"prefix": "/", "filter_state": [{"key": "k"}]}, "route": {"cluster": "c"}})",
       "match.filter_state: "},
      {R"({"match": {"path_match_policy": {"name": "n"}}, "route": {"cluster": "c"}})",
       "match.path_match_policy: "},
      {R"({"match": {"prefix": "/"}, "route": {"cluster_specifier_plugin": "p"}})",
       "route.cluster_specifier_plugin: "},
      {R"({"match": {"prefix": "/"}, "route": {"cluster": "c", "cors": {}}})", "route.cors: "},
      {R"({"match": {"prefix": "/"}, "filter_action": {}})", "filter_action: "},
      {R"({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body_format": {}}})",
       "direct_response.body_format: "},
  };
  for (const auto& [routes, field] : cases) {
    EXPECT_TRUE(
        refused("virtual_hosts[0].routes[0]." + std::string(field))(errorsOf(withRoutes(routes))))
        << field;
  }
}

TEST(RouteTable, WarnsOfWhatComesLater) {
  EXPECT_THAT(
      warningsOf(withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "c",
                "retry_policy": {"retry_on": "5xx,typo"},
                "hash_policy": [{"header": {"header_name": "h"}}],
                "request_mirror_policies": [{"cluster": "m"}]}})")),
      UnorderedElementsAre(HasSubstr("route.retry_policy.retry_on: 'typo' is not known"),
                           HasSubstr("route.hash_policy: is not yet honoured"),
                           HasSubstr("route.request_mirror_policies: is not yet honoured")));
}

TEST(RouteTable, UnknownClustersAreErrorsOnlyWhereTheyAreChecked) {
  const std::string route = R"({"match": {"prefix": "/"}, "route": {"cluster": "absent"}})";
  EXPECT_TRUE(warningsOf(withRoutes(route)).empty()) << "RDS may be ahead of CDS";
  RecordingBuild strict;
  strict.validates = true;
  EXPECT_EQ(RouteTable::from(routesFromJson(withRoutes(route)), strict), nullptr);
  EXPECT_THAT(strict.errors,
              ElementsAre("virtual_hosts[0].routes[0].route.cluster: unknown cluster 'absent'"));
  auto lenient = routesFromJson(withRoutes(route));
  lenient.mutable_validate_clusters()->set_value(false);
  strict.errors.clear();
  EXPECT_NE(RouteTable::from(lenient, strict), nullptr);
}

TEST(RouteTable, WhereItIsDemandedClustersMustBeThereNow) {
  auto routes = routesFromJson(
      withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "coming-soon"}})"));
  RecordingBuild build;
  build.validates = true;
  EXPECT_NE(RouteTable::from(routes, build), nullptr) << "it may come";
  routes.mutable_validate_clusters()->set_value(true);
  EXPECT_EQ(RouteTable::from(routes, build), nullptr);
  EXPECT_THAT(
      build.errors,
      ElementsAre("virtual_hosts[0].routes[0].route.cluster: unknown cluster 'coming-soon'"));
}

TEST(RouteTable, HeaderChangesMayNotTouchPseudoFieldsOrHost) {
  EXPECT_THAT(
      errorsOf(R"({"virtual_hosts": [{"name": "v", "domains": ["*"],
                "request_headers_to_add": [{"header": {"key": ":path", "value": "/"}},
                                           {"header": {"key": "Host", "value": "h"}},
                                           {"header": {"key": "a", "value": "x\ny"}},
                                           {"header": {"key": "a", "value": "%NOPE%"}},
                                           {"header": {"key": "a", "value": "b"}, "append": true,
                                            "append_action": "ADD_IF_ABSENT"}],
                "response_headers_to_remove": [":status"]}]})"),
      UnorderedElementsAre(HasSubstr("request_headers_to_add[0].header.key: ':path' may not"),
                           HasSubstr("request_headers_to_add[1].header.key: 'Host' may not"),
                           HasSubstr("request_headers_to_add[2].header.value: control"),
                           HasSubstr("request_headers_to_add[3].header.value: at position 0"),
                           HasSubstr("request_headers_to_add[4]: append and append_action"),
                           HasSubstr("response_headers_to_remove[0]: ':status' may not")));
}

TEST(RouteTable, FormattedValuesCannotSmuggleALine) {
  RecordingBuild build;
  const auto table = RouteTable::from(
      routesFromJson(withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "c"},
        "request_headers_to_add": [{"header": {"key": "a", "value": "%REQ(x)%"}}]})")),
      build);
  ASSERT_NE(table, nullptr) << build.allErrors();
  TestRequest request("GET", "h", "/");
  request.with("x", "v\r\nevil: 1");
  table->find({request.head}).route->prepareRequest(request.head, request.info, request.arena);
  EXPECT_FALSE(request.head.fields.get("a"));
}

TEST(RouteTable, PlainRoutesChangeNothing) {
  RecordingBuild build;
  const auto table = RouteTable::from(
      routesFromJson(withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "c"}})")),
      build);
  ASSERT_NE(table, nullptr);
  const Route& route = table->virtualHosts()[0]->routes[0];
  EXPECT_FALSE(route.changes_request);
  EXPECT_FALSE(route.changes_response);
  EXPECT_EQ(route.cluster()->timeout, std::chrono::seconds(15));
  EXPECT_EQ(route.cluster()->retry, nullptr);
}

TEST(RouteTable, IdsAreDenseOverHostsAndFilterConfigIsFoundByName) {
  RecordingBuild build;
  auto proto = routesFromJson(R"({"virtual_hosts": [
      {"name": "a", "domains": ["a"], "routes": [
        {"match": {"prefix": "/1"}, "route": {"cluster": "c"}},
        {"match": {"prefix": "/2"}, "route": {"cluster": "d"}}]},
      {"name": "b", "domains": ["b"], "routes": [
        {"match": {"prefix": "/"}, "route": {"cluster": "c"}}]}]})");
  auto& routes = *proto.mutable_virtual_hosts(0)->mutable_routes();
  (*routes[1].mutable_typed_per_filter_config())["cors"].set_type_url("t");
  const auto table = RouteTable::from(proto, build);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->routeCount(), 3u);
  EXPECT_EQ(table->virtualHosts()[1]->routes[0].id, 2u);
  EXPECT_EQ(table->virtualHosts()[1]->routes[0].order, 0u);
  EXPECT_EQ(table->virtualHosts()[1]->routes[0].cluster()->slot,
            table->virtualHosts()[0]->routes[0].cluster()->slot);
  EXPECT_EQ(table->virtualHosts()[0]->routes[1].config.filter("cors")->type_url(), "t");
  EXPECT_EQ(table->virtualHosts()[0]->routes[0].config.filter("cors"), nullptr);
  EXPECT_TRUE(table->config().filters().empty());
}

TEST(RouteTable, TraceSaysWhyCandidatesWereRejected) {
  RecordingBuild build;
  const auto table = RouteTable::from(routesFromJson(withRoutes(R"(
      {"match": {"prefix": "/", "headers": [{"name": "x"}]}, "route": {"cluster": "c"}},
      {"match": {"path": "/other"}, "route": {"cluster": "c"}},
      {"match": {"prefix": "/", "grpc": {}}, "route": {"cluster": "c"}},
      {"match": {"safe_regex": {"regex": "/ab+"}}, "route": {"cluster": "c"}},
      {"match": {"prefix": "/"}, "route": {"cluster": "c"}})")),
                                      build);
  ASSERT_NE(table, nullptr);
  TestRequest request("GET", "h", "/b");
  Candidates trace;
  EXPECT_EQ(table->find({request.head}, &trace).route->order, 4u);
  ASSERT_EQ(trace.size(), 2u) << "the index rules the others out";
  EXPECT_EQ(trace.at(0).order, 0u);
  EXPECT_EQ(trace.at(0).why, Rejection::Header);
  EXPECT_EQ(rejectionName(trace.at(1).why), "grpc");
  for (uint32_t i = 0; i < 20; ++i) trace.note(100 + i, Rejection::Path);
  EXPECT_EQ(trace.seen(), 22u);
  EXPECT_EQ(trace.size(), Candidates::kKept);
  EXPECT_EQ(trace.at(0).order, 112u);
  EXPECT_EQ(trace.at(Candidates::kKept - 1).order, 119u);
}

TEST(RouteTable, TlsConditions) {
  RecordingBuild build;
  const auto table = RouteTable::from(routesFromJson(R"({"virtual_hosts": [
      {"name": "t", "domains": ["t"], "require_tls": "EXTERNAL_ONLY", "routes": [
        {"match": {"prefix": "/", "tls_context": {"presented": true, "validated": true}},
         "route": {"cluster": "mutual"}},
        {"match": {"prefix": "/", "tls_context": {"presented": false}},
         "route": {"cluster": "plain"}}]}]})"),
                                      build);
  ASSERT_NE(table, nullptr);
  TestRequest request("GET", "t", "/");
  EXPECT_EQ(table->find({request.head}).kind, Match::Kind::TlsRequired);
  EXPECT_EQ(table->find({request.head, 0, true}).route->cluster()->cluster, "plain");
  EXPECT_EQ(table->find({request.head, 0, true, true, true}).route->cluster()->cluster, "mutual");
  EXPECT_EQ(table->find({request.head, 0, true, true, false}).kind, Match::Kind::NoRoute);
  request.with("x-envoy-internal", "true");
  EXPECT_EQ(table->find({request.head}).kind, Match::Kind::Route);
}

TEST(DirectResponse, BodiesFromFilesAndEnvironmentAreLimited) {
  const std::string file = testing::TempDir() + "/weir_direct_response";
  std::ofstream(file) << std::string(5000, 'x');
  setenv("WEIR_ROUTER_TEST_BODY", "from the environment", 1);
  const auto body = [](const std::string& source) {
    return withRoutes(R"({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": )" +
                      source + "}}");
  };
  EXPECT_THAT(
      errorsOf(body(R"({"filename": ")" + file + "\"}")),
      ElementsAre(HasSubstr("body: is longer than max_direct_response_body_size_bytes (4096")));
  EXPECT_THAT(errorsOf(body(R"({"filename": "/nonexistent"})")),
              ElementsAre(HasSubstr("body.filename: cannot read")));
  EXPECT_THAT(errorsOf(body(R"({"environment_variable": "WEIR_ROUTER_NOT_SET"})")),
              ElementsAre(HasSubstr("body.environment_variable:")));
  auto proto = routesFromJson(body(R"({"filename": ")" + file + "\"}"));
  proto.mutable_max_direct_response_body_size_bytes()->set_value(5000);
  RecordingBuild build;
  auto table = RouteTable::from(proto, build);
  ASSERT_NE(table, nullptr) << build.allErrors();
  EXPECT_EQ(table->virtualHosts()[0]->routes[0].direct()->body.size(), 5000u);
  table = RouteTable::from(
      routesFromJson(body(R"({"environment_variable": "WEIR_ROUTER_TEST_BODY"})")), build);
  EXPECT_EQ(table->virtualHosts()[0]->routes[0].direct()->body, "from the environment");
}

TEST(ClusterAction, TimesRetriesAndUpgradesAreRead) {
  RecordingBuild build;
  const auto table =
      RouteTable::from(routesFromJson(withRoutes(R"({"match": {"prefix": "/"}, "route": {
      "cluster": "c", "timeout": "0s", "idle_timeout": "1.5s", "priority": "HIGH",
      "cluster_not_found_response_code": "NOT_FOUND", "auto_host_rewrite": true,
      "max_stream_duration": {"max_stream_duration": "9s", "grpc_timeout_header_max": "3s",
                              "grpc_timeout_header_offset": "0.25s"},
      "retry_policy": {"retry_on": "gateway-error, reset,unavailable", "num_retries": 3,
        "per_try_timeout": "0.25s",
        "retry_back_off": {"base_interval": "0.01s"}, "retriable_status_codes": [409]},
      "upgrade_configs": [{"upgrade_type": "WebSocket"},
                          {"upgrade_type": "CONNECT", "enabled": false}]}})")),
                       build);
  ASSERT_NE(table, nullptr) << build.allErrors();
  const ClusterAction& action = *table->virtualHosts()[0]->routes[0].cluster();
  using std::chrono::milliseconds;
  EXPECT_EQ(action.timeout, milliseconds(0));
  EXPECT_EQ(action.idle_timeout, milliseconds(1500));
  EXPECT_EQ(action.duration->max, milliseconds(9000));
  EXPECT_EQ(action.duration->grpc_max, milliseconds(3000));
  EXPECT_EQ(action.duration->grpc_offset, milliseconds(250));
  EXPECT_EQ(action.grpc_timeout, nullptr);
  EXPECT_EQ(action.priority, cluster::Priority::High);
  EXPECT_TRUE(action.auto_host_rewrite);
  EXPECT_EQ(action.cluster_not_found_status, 404);
  EXPECT_EQ(action.retry->on, kRetryGatewayError | kRetryReset | kRetryGrpcUnavailable);
  EXPECT_EQ(action.retry->retries, 3u);
  EXPECT_EQ(action.retry->per_try_timeout, milliseconds(250));
  EXPECT_EQ(action.retry->back_off_max, milliseconds(100));
  ASSERT_EQ(action.upgrades.size(), 2u);
  EXPECT_EQ(action.upgrades[0].type, "websocket");
  EXPECT_FALSE(action.upgrades[1].enabled);
}

TEST(ClusterAction, TheOlderGrpcDeadlineIsReadWhereTheNewerIsNotSet) {
  const auto warnings = [](const std::string& fields) {
    return warningsOf(
        withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "c", )" + fields + "}}"));
  };
  EXPECT_THAT(warnings(R"("max_grpc_timeout": "4s", "grpc_timeout_offset": "0.5s")"), IsEmpty());
  EXPECT_THAT(warnings(R"("max_grpc_timeout": "4s", "max_stream_duration": {})"),
              ElementsAre(HasSubstr("max_grpc_timeout: is not read where max_stream_duration")));
  EXPECT_THAT(warnings(R"("grpc_timeout_offset": "4s")"),
              ElementsAre(HasSubstr("grpc_timeout_offset: means nothing without")));
}

TEST(RetryPolicy, WhatChoosesTheEndpointIsHonouredOrSaid) {
  const auto policy = [](const std::string& fields) {
    return withRoutes(R"({"match": {"prefix": "/"}, "route": {"cluster": "c",
      "retry_policy": {"retry_on": "5xx", )" +
                      fields + "}}}");
  };
  RecordingBuild build;
  const auto table = RouteTable::from(
      routesFromJson(
          policy(R"("retry_host_predicate": [
      {"name": "a", "typed_config": {"@type": "type.googleapis.com/)"
                 R"(envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}],
      "host_selection_retry_max_attempts": 5)")),
      build);
  ASSERT_NE(table, nullptr) << build.allErrors();
  const RetryPolicy& read = *table->virtualHosts()[0]->routes[0].cluster()->retry;
  EXPECT_TRUE(read.avoids_previous_hosts);
  EXPECT_EQ(read.host_selection_attempts, 5);
  EXPECT_THAT(warningsOf(policy(R"("retry_host_predicate": [{"name": "b"}])")),
              UnorderedElementsAre(HasSubstr("retry_host_predicate[0]: is not yet honoured")));
  EXPECT_THAT(errorsOf(policy(R"("refresh_cluster_on_retry": true)")),
              UnorderedElementsAre(HasSubstr("refresh_cluster_on_retry: is not supported yet")));
}

TEST(BodyLimit, TheMostSpecificCountsAndTheConnectionsBoundsTheOldOne) {
  RecordingBuild build;
  const auto table = RouteTable::from(routesFromJson(R"({"virtual_hosts": [{"name": "v",
      "domains": ["*"], "per_request_buffer_limit_bytes": 5000, "routes": [
      {"match": {"prefix": "/a"}, "route": {"cluster": "c"}},
      {"match": {"prefix": "/b"}, "route": {"cluster": "c"}, "per_request_buffer_limit_bytes": 7},
      {"match": {"prefix": "/c"}, "route": {"cluster": "c"}, "request_body_buffer_limit": 9000,
       "per_request_buffer_limit_bytes": 7}]}]})"),
                                      build);
  ASSERT_NE(table, nullptr) << build.allErrors();
  const auto& routes = table->virtualHosts()[0]->routes;
  EXPECT_EQ(routes[0].body_limit.of(1000), 1000u);
  EXPECT_EQ(routes[0].body_limit.of(0), 5000u);
  EXPECT_EQ(routes[1].body_limit.of(1000), 7u);
  EXPECT_EQ(routes[2].body_limit.of(1000), 9000u);
  EXPECT_EQ(BodyLimit().of(1000), 1000u);
}

TEST(Rewrite, EnvoyHeadersMayBeSuppressed) {
  RecordingBuild build;
  const auto table = RouteTable::from(routesFromJson(withRoutes(R"({"match": {"prefix": "/a"},
      "route": {"cluster": "c", "prefix_rewrite": "/b", "host_rewrite_literal": "n"}})")),
                                      build);
  ASSERT_NE(table, nullptr);
  TestRequest request("GET", "h", "/a/x");
  const Preparation how{nullptr, false};
  table->find({request.head}).route->prepareRequest(request.head, request.info, request.arena, how);
  EXPECT_EQ(request.head.path, "/b/x");
  EXPECT_EQ(request.head.authority, "n");
  EXPECT_TRUE(request.head.fields.empty());
}

}  // namespace
}  // namespace weir::router
