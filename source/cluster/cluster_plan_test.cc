#include "source/cluster/cluster_plan.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "source/cluster/planned.h"

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

TEST(ClusterPlan, TheLeastClusterHasEnvoysDefaults) {
  const Planned planned = plan(R"({"name": "c"})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_TRUE(planned.problems.empty()) << planned.text();
  const ClusterSettings& settings = planned.plan->settings;
  EXPECT_EQ(settings.name, "c");
  EXPECT_EQ(settings.stat_name, "c");
  EXPECT_EQ(settings.discovery, Discovery::Static);
  EXPECT_EQ(settings.lb_policy, LbPolicy::RoundRobin);
  EXPECT_EQ(settings.connect_timeout, 5s);
  EXPECT_EQ(settings.idle_timeout, 1h);
  EXPECT_EQ(settings.buffer_limit, 1u << 20);
  EXPECT_EQ(settings.limits.max_connections, 1024u);
  EXPECT_EQ(settings.limits.max_retries, 3u);
  EXPECT_EQ(settings.max_response_fields, 100u);
  EXPECT_TRUE(planned.plan->endpoints.empty());
}

TEST(ClusterPlan, SettingsAreRead) {
  const Planned planned = planWith(R"(
    "alt_stat_name": "stat", "connect_timeout": "0.25s", "lb_policy": "RANDOM",
    "per_connection_buffer_limit_bytes": 4096, "max_requests_per_connection": 7,
    "common_http_protocol_options": {"idle_timeout": "30s", "max_headers_count": 20,
                                     "max_response_headers_kb": 96},
    "circuit_breakers": {"thresholds": [
      {"max_connections": 1, "max_pending_requests": 2, "max_requests": 3, "max_retries": 4},
      {"priority": "HIGH", "max_connections": 9}]})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_TRUE(planned.problems.empty()) << planned.text();
  const ClusterSettings& settings = planned.plan->settings;
  EXPECT_EQ(settings.stat_name, "stat");
  EXPECT_EQ(settings.connect_timeout, 250ms);
  EXPECT_EQ(settings.lb_policy, LbPolicy::Random);
  EXPECT_EQ(settings.buffer_limit, 4096u);
  EXPECT_EQ(settings.max_requests_per_connection, 7u);
  EXPECT_EQ(settings.idle_timeout, 30s);
  EXPECT_EQ(settings.max_response_fields, 20u);
  EXPECT_EQ(settings.max_response_head_bytes, 96u * 1024);
  EXPECT_EQ(settings.limits.max_connections, 1u);
  EXPECT_EQ(settings.limits.max_pending, 2u);
  EXPECT_EQ(settings.limits.max_requests, 3u);
  EXPECT_EQ(settings.limits.max_retries, 4u);
  EXPECT_EQ(settings.high_limits.max_connections, 9u);
  EXPECT_EQ(settings.high_limits.max_requests, 1024u);
}

TEST(ClusterPlan, TypedHttpOptionsWinOverTheOldFields) {
  const Planned planned = planWith(R"(
    "max_requests_per_connection": 7,
    "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      "common_http_protocol_options": {"idle_timeout": "0s", "max_requests_per_connection": 3},
      "explicit_http_config": {"http_protocol_options": {}}}})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.plan->settings.idle_timeout, 0s);
  EXPECT_EQ(planned.plan->settings.max_requests_per_connection, 3u);
  EXPECT_EQ(planned.warnings(), Paths{"max_requests_per_connection"});
}

struct Refused {
  std::string fields, path, text;
};

TEST(ClusterPlan, WhatWouldBeDisobeyedIsRefusedByName) {
  const std::string http = R"("typed_extension_protocol_options": {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", )";
  const std::string http_at =
      "typed_extension_protocol_options[\"envoy.extensions.upstreams.http.v3."
      "HttpProtocolOptions\"]";
  const std::vector<Refused> table = {
      {R"("type": "ORIGINAL_DST")", "type", "ORIGINAL_DST"},
      {R"("type": "ORIGINAL_DST")", "type", "ORIGINAL_DST"},
      {R"("cluster_type": {"name": "envoy.clusters.aggregate"})", "cluster_type", "aggregate"},
      {R"("lb_policy": "RING_HASH")", "lb_policy", "RING_HASH"},
      {R"("lb_policy": "MAGLEV")", "lb_policy", "MAGLEV"},
      {R"("lb_policy": "CLUSTER_PROVIDED")", "lb_policy", "CLUSTER_PROVIDED"},
      {R"("lb_policy": "LOAD_BALANCING_POLICY_CONFIG")", "lb_policy", "load_balancing_policy"},
      {R"("connect_timeout": "0s")", "connect_timeout", "at least 1 ms"},
      {R"("connect_timeout": "-1s")", "connect_timeout", "not negative"},
      {R"("common_http_protocol_options": {"max_headers_count": 0})",
       "common_http_protocol_options.max_headers_count", "at least 1"},
      {R"("common_http_protocol_options": {"max_response_headers_kb": 8193})",
       "common_http_protocol_options.max_response_headers_kb", "8192"},
      {R"("http2_protocol_options": {"allow_metadata": true})",
       "http2_protocol_options.allow_metadata", "METADATA"},
      {R"("circuit_breakers": {"thresholds": [{"retry_budget": {"budget_percent": {"value": 101}}}]})",
       "circuit_breakers.thresholds[0].retry_budget.budget_percent", "from 0 to 100"},
      {R"("circuit_breakers": {"per_host_thresholds": [{}]})",
       "circuit_breakers.per_host_thresholds", "each endpoint"},
      {R"("upstream_bind_config": {"source_address": {"address": "127.0.0.2", "port_value": 0}})",
       "upstream_bind_config.source_address", "local address"},
      {R"("transport_socket": {"name": "x", "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "allow_renegotiation": true}})",
       "transport_socket.typed_config.allow_renegotiation", "renegotiation"},
      {R"("upstream_http_protocol_options": {"auto_san_validation": true},
         "transport_socket": {"name": "x", "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}})",
       "upstream_http_protocol_options.auto_san_validation", "trusted_ca"},
      {R"("upstream_http_protocol_options": {"auto_sni": true, "override_auto_sni_header": "a b"},
         "transport_socket": {"name": "x", "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}})",
       "upstream_http_protocol_options.override_auto_sni_header", "header"},
      {R"("load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "x",
        "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev"}}}]})",
       "load_balancing_policy", "maglev.v3.Maglev"},
      {http + R"("explicit_http_config": {"http2_protocol_options":
        {"max_concurrent_streams": 0}}}})",
       http_at + ".explicit_http_config.http2_protocol_options.max_concurrent_streams", "1 to"},
      {http + R"("explicit_http_config": {"http3_protocol_options": {}}}})",
       http_at + ".explicit_http_config.http3_protocol_options", "HTTP/3"},
      {http + R"("use_downstream_protocol_config": {"http3_protocol_options": {}}}})",
       http_at + ".use_downstream_protocol_config.http3_protocol_options", "HTTP/3"},
      {http + R"("auto_config": {"http2_protocol_options": {"connection_keepalive":
        {"interval": "30s"}}}}})",
       http_at + ".auto_config.http2_protocol_options.connection_keepalive", "timeout"},
      {http + R"("common_http_protocol_options": {}}})", http_at, "explicit_http_config"},
      {R"("typed_extension_protocol_options": {"envoy.x": {"@type":
        "type.googleapis.com/google.protobuf.Empty"}})",
       "typed_extension_protocol_options[\"envoy.x\"]", "envoy.x"},
      {R"("typed_extension_protocol_options": {
         "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type":
         "type.googleapis.com/xds.type.v3.TypedStruct"}})",
       http_at, "TypedStruct"},
      {R"("eds_cluster_config": {})", "eds_cluster_config", "EDS"},
      {R"("type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}})", "load_assignment",
       "EDS"},
      {R"("filters": [{"name": "x"}])", "filters", "filters"},
  };
  for (const Refused& row : table) {
    const Planned planned = planWith(row.fields);
    EXPECT_EQ(planned.errors(), Paths{row.path}) << row.fields << planned.text();
    EXPECT_NE(planned.text().find(row.text), std::string::npos) << row.text << planned.text();
  }
}

TEST(ClusterPlan, HttpVersions) {
  const auto version = [](const std::string& fields) {
    const Planned planned = planWith(fields);
    EXPECT_TRUE(planned.plan) << planned.text();
    return planned.plan ? planned.plan->settings.http_version : HttpVersion::Http1;
  };
  const auto typed = [&version](const std::string& config) {
    return version(R"("typed_extension_protocol_options": {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      )" + config + "}}");
  };
  EXPECT_EQ(version(R"("lb_policy": "RANDOM")"), HttpVersion::Http1);
  EXPECT_EQ(version(R"("http2_protocol_options": {})"), HttpVersion::Http2);
  EXPECT_EQ(version(R"("protocol_selection": "USE_DOWNSTREAM_PROTOCOL")"),
            HttpVersion::AsDownstream);
  EXPECT_EQ(typed(R"("explicit_http_config": {"http_protocol_options": {}})"), HttpVersion::Http1);
  EXPECT_EQ(typed(R"("explicit_http_config": {"http2_protocol_options": {}})"), HttpVersion::Http2);
  EXPECT_EQ(typed(R"("use_downstream_protocol_config": {})"), HttpVersion::AsDownstream);
  EXPECT_EQ(typed(R"("auto_config": {})"), HttpVersion::Agreed);
}

TEST(ClusterPlan, LimitsToHeadsAreTheSameInHttp2) {
  const Planned planned = planWith(R"("http2_protocol_options": {"max_concurrent_streams": 7},
      "common_http_protocol_options": {"max_headers_count": 9, "max_response_headers_kb": 2})");
  ASSERT_TRUE(planned.plan) << planned.text();
  const codec::Http2Options& options = planned.plan->settings.http2.codec;
  EXPECT_EQ(options.max_concurrent_streams, 7u);
  EXPECT_EQ(options.max_fields, 9u);
  EXPECT_EQ(options.max_head_bytes, 2048u);
}

TEST(ClusterPlan, HarmlessFieldsOnlyWarn) {
  const Planned planned = planWith(R"(
    "health_checks": [{}], "outlier_detection": {}, "track_timeout_budgets": true,
    "transport_socket": {"name": "envoy.transport_sockets.raw_buffer"},
    "upstream_bind_config": {"source_address": {"address": "0.0.0.0", "port_value": 0}},
    "circuit_breakers": {"thresholds": [{}, {"max_connections": 1}]})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.warnings(), (Paths{"circuit_breakers.thresholds[1]", "health_checks",
                                       "outlier_detection", "track_timeout_budgets"}));
  EXPECT_EQ(planned.plan->settings.limits.max_connections, 1024u) << "the first counts";
}

TEST(ClusterPlan, aRetryBudgetIsAShareOfTheRequestsAndAtLeastSoMany) {
  const auto full = [](uint32_t retries, const char* thresholds) {
    const Planned planned =
        planWith(std::string(R"("circuit_breakers": {"thresholds": [)") + thresholds + "]}");
    EXPECT_TRUE(planned.plan) << planned.text();
    Budgets budgets;
    for (int i = 0; i < 30; ++i) budgets.requests.take();
    for (int i = 0; i < 10; ++i) budgets.pending.take();
    for (uint32_t i = 0; i < retries; ++i) budgets.retries.take();
    return budgets.retriesFull(planned.plan->settings.limits);
  };
  EXPECT_FALSE(full(2, "{}"));
  EXPECT_TRUE(full(3, "{}"));
  EXPECT_TRUE(full(0, R"({"max_retries": 0})"));
  EXPECT_FALSE(full(7, R"({"max_retries": 0, "retry_budget": {}})"));
  EXPECT_TRUE(full(8, R"({"retry_budget": {}})"));
  EXPECT_FALSE(full(9, R"({"retry_budget": {"min_retry_concurrency": 10}})"));
  EXPECT_TRUE(full(10, R"({"retry_budget": {"min_retry_concurrency": 10}})"));
  EXPECT_TRUE(full(4, R"({"retry_budget": {"budget_percent": {"value": 10}}})"));
}

TEST(ClusterPlan, TheNameIsNeededAndEverythingIsReportedAtOnce) {
  const Planned planned =
      plan(R"({"type": "ORIGINAL_DST", "lb_policy": "MAGLEV", "connect_timeout": "0s"})");
  EXPECT_EQ(planned.errors(), (Paths{"connect_timeout", "lb_policy", "name", "type"}));
}

std::string policy(const std::string& type, const std::string& fields = "") {
  return R"({"typed_extension_config": {"name": "x", "typed_config": {"@type":
    "type.googleapis.com/envoy.extensions.load_balancing_policies.)" +
         type + '"' + (fields.empty() ? "" : ", " + fields) + "}}}";
}

TEST(ClusterPlan, TheFirstPolicyThatWeirHasIsUsed) {
  const Planned least =
      planWith(R"("lb_policy": "MAGLEV", "load_balancing_policy": {"policies": [)" +
               policy("maglev.v3.Maglev") + "," +
               policy("least_request.v3.LeastRequest", R"("choice_count": 5)") + "," +
               policy("random.v3.Random") + "]}");
  ASSERT_TRUE(least.plan) << least.text();
  EXPECT_EQ(least.plan->settings.lb_policy, LbPolicy::LeastRequest);
  EXPECT_EQ(least.plan->settings.choice_count, 5u);
  EXPECT_EQ(least.warnings(), Paths{"load_balancing_policy"});
  const Planned nested = planWith(
      R"("load_balancing_policy": {"policies": [)" +
      policy("wrr_locality.v3.WrrLocality",
             R"("endpoint_picking_policy": {"policies": [)" +
                 policy("random.v3.Random", R"("locality_lb_config": {"zone_aware_lb_config":
                        {"fail_traffic_on_panic": true}})") +
                 "]}") +
      "]}");
  ASSERT_TRUE(nested.plan) << nested.text();
  EXPECT_TRUE(nested.plan->settings.fail_traffic_on_panic);
  EXPECT_EQ(nested.plan->settings.lb_policy, LbPolicy::Random);
  const Planned slow =
      planWith(R"("load_balancing_policy": {"policies": [)" +
               policy("round_robin.v3.RoundRobin", R"("slow_start_config": {})") + "]}");
  EXPECT_EQ(slow.errors(), Paths{"load_balancing_policy.policies[0].typed_extension_config."
                                 "typed_config.slow_start_config"});
}

TEST(ClusterPlan, TheOldLeastRequestIsRead) {
  const Planned planned =
      planWith(R"("lb_policy": "LEAST_REQUEST", "least_request_lb_config": {"choice_count": 3})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.plan->settings.lb_policy, LbPolicy::LeastRequest);
  EXPECT_EQ(planned.plan->settings.choice_count, 3u);
  EXPECT_EQ(planWith(R"("least_request_lb_config": {"choice_count": 1})").errors(),
            Paths{"least_request_lb_config.choice_count"});
}

}  // namespace
}  // namespace weir::cluster
