#include "source/cluster/cluster_plan.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

struct Planned {
  std::optional<ClusterPlan> plan;
  std::vector<Problem> problems;

  std::vector<std::string> paths(Severity severity) const {
    std::vector<std::string> out;
    for (const Problem& problem : problems) {
      if (problem.severity == severity) out.push_back(problem.path);
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<std::string> errors() const { return paths(Severity::Error); }
  std::vector<std::string> warnings() const { return paths(Severity::Warning); }
  std::string text() const {
    std::string all;
    for (const Problem& problem : problems) all += problem.path + ": " + problem.text + "\n";
    return all;
  }
};

Planned plan(const std::string& json) {
  envoy::config::cluster::v3::Cluster proto;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
  EXPECT_TRUE(status.ok()) << status.ToString() << json;
  Report report;
  Planned planned;
  planned.plan = planCluster(proto, Where(report));
  planned.problems = report.sorted();
  EXPECT_EQ(planned.plan.has_value(), report.ok());
  return planned;
}

// A cluster of one endpoint, with more fields.
Planned planWith(const std::string& fields) {
  return plan(R"({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [{
      "lb_endpoints": [{"endpoint": {"address": {"socket_address":
        {"address": "127.0.0.1", "port_value": 80}}}}]}]}, )" +
              fields + "}");
}

std::string endpoint(const std::string& address, int port, const std::string& more = "") {
  return R"({"endpoint": {"address": {"socket_address": {"address": ")" + address +
         R"(", "port_value": )" + std::to_string(port) + "}}}" + more + "}";
}

Planned planEndpoints(const std::string& localities, const std::string& more = "") {
  return plan(R"({"name": "c", "load_assignment": {"cluster_name": "c", "endpoints": [)" +
              localities + "]}" + more + "}");
}

using Paths = std::vector<std::string>;

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

TEST(ClusterPlan, EndpointsAreRead) {
  const Planned planned = planEndpoints(
      R"({"locality": {"region": "r", "zone": "z", "sub_zone": "s"}, "priority": 1,
          "lb_endpoints": [)" +
      endpoint("127.0.0.1", 80, R"(, "load_balancing_weight": 5)") + "," + endpoint("::1", 81) +
      R"(]}, {"lb_endpoints": [{"endpoint": {"hostname": "h", "address": {"pipe": {"path": "@x"}}}}]})");
  ASSERT_TRUE(planned.plan) << planned.text();
  const auto set = makeStaticEndpoints(*planned.plan);
  ASSERT_EQ(set->all.size(), 3u);
  EXPECT_EQ(set->all[0]->text, "127.0.0.1:80");
  EXPECT_EQ(set->all[0]->weight, 5u);
  EXPECT_EQ(set->all[0]->priority, 1u);
  EXPECT_EQ(set->all[0]->region + set->all[0]->zone + set->all[0]->sub_zone, "rzs");
  EXPECT_EQ(set->all[1]->text, "[::1]:81");
  EXPECT_EQ(set->all[1]->weight, 1u);
  EXPECT_EQ(set->all[2]->text, "@x");
  EXPECT_EQ(set->all[2]->hostname, "h");
  EXPECT_EQ(set->all[2]->priority, 0u);
  EXPECT_EQ(set->all[0]->connectAddress(), set->all[0]->address);
}

TEST(ClusterPlan, UnhealthyEndpointsAreLeftOut) {
  const auto with = [](int port, const std::string& health) {
    return endpoint("127.0.0.1", port, R"(, "health_status": ")" + health + '"');
  };
  const Planned planned = planEndpoints(R"({"lb_endpoints": [)" + with(1, "HEALTHY") + "," +
                                        with(2, "UNHEALTHY") + "," + with(3, "DRAINING") + "," +
                                        with(4, "TIMEOUT") + "," + with(5, "DEGRADED") + "]}");
  ASSERT_TRUE(planned.plan) << planned.text();
  ASSERT_EQ(planned.plan->endpoints.size(), 2u);
  EXPECT_EQ(planned.plan->endpoints[0].address.port(), 1);
  EXPECT_EQ(planned.plan->endpoints[1].address.port(), 5);
  EXPECT_EQ(planned.warnings(),
            Paths{"load_assignment.endpoints[0].lb_endpoints[4].health_status"});
}

TEST(ClusterPlan, LocalityWeightsCountOnlyWhereTheyAreAskedFor) {
  const std::string localities =
      R"({"load_balancing_weight": 3, "lb_endpoints": [)" + endpoint("127.0.0.1", 1) + "," +
      endpoint("127.0.0.1", 2) + R"(]}, {"load_balancing_weight": 1, "lb_endpoints": [)" +
      endpoint("127.0.0.1", 3) + R"(]}, {"lb_endpoints": [)" + endpoint("127.0.0.1", 4) + "]}";
  const Planned plain = planEndpoints(localities);
  ASSERT_TRUE(plain.plan) << plain.text();
  ASSERT_EQ(plain.plan->endpoints.size(), 4u);
  for (const EndpointSpec& spec : plain.plan->endpoints) EXPECT_EQ(spec.weight, 1u);
  const Planned weighted =
      planEndpoints(localities, R"(, "common_lb_config": {"locality_weighted_lb_config": {}})");
  ASSERT_TRUE(weighted.plan) << weighted.text();
  ASSERT_EQ(weighted.plan->endpoints.size(), 3u) << "a locality without weight gets nothing";
  const double one = weighted.plan->endpoints[2].weight;  // 1 of 4; the others 1.5 of 4
  EXPECT_NEAR(weighted.plan->endpoints[0].weight / one, 1.5, 0.001);
  EXPECT_NEAR(weighted.plan->endpoints[1].weight / one, 1.5, 0.001);
}

TEST(ClusterPlan, WrongEndpointsAreAllNamed) {
  const Planned planned = planEndpoints(
      R"({"priority": 129, "load_balancing_weight": 0, "lb_endpoints": [)" +
      endpoint("example.com", 80) + "," + endpoint("127.0.0.1", 65536) + "," +
      endpoint("127.0.0.1", 1, R"(, "load_balancing_weight": 0)") + R"(, {"endpoint": {}},
      {"endpoint_name": "x"}, {"endpoint": {"address": {"socket_address": {"protocol": "UDP",
       "address": "127.0.0.1", "named_port": "http", "resolver_name": "r"}}}},
      {"endpoint": {"address": {"envoy_internal_address": {"server_listener_name": "x"}}}}]})");
  const std::string base = "load_assignment.endpoints[0].";
  const std::string in = base + "lb_endpoints[";
  const std::string address = "].endpoint.address";
  EXPECT_EQ(planned.errors(),
            (Paths{in + "0" + address + ".socket_address.address",
                   in + "1" + address + ".socket_address.port_value",
                   in + "2].load_balancing_weight", in + "3" + address, in + "4].endpoint_name",
                   in + "5" + address + ".socket_address.named_port",
                   in + "5" + address + ".socket_address.protocol",
                   in + "5" + address + ".socket_address.resolver_name",
                   in + "6" + address + ".envoy_internal_address", base + "load_balancing_weight",
                   base + "priority"}))
      << planned.text();
  EXPECT_NE(planned.text().find("STRICT_DNS"), std::string::npos) << "names the way out";
}

TEST(ClusterPlan, WeightsOfALocalityMustFitTheirSum) {
  const std::string heavy = R"(, "load_balancing_weight": 4294967295)";
  const Planned planned = planEndpoints(R"({"lb_endpoints": [)" + endpoint("127.0.0.1", 1, heavy) +
                                        "," + endpoint("127.0.0.1", 2, heavy) + "]}");
  EXPECT_EQ(planned.errors(), Paths{"load_assignment.endpoints[0]"});
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
      {R"("type": "EDS")", "type", "EDS"},
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
      {R"("http2_protocol_options": {})", "http2_protocol_options", "HTTP/2"},
      {R"("protocol_selection": "USE_DOWNSTREAM_PROTOCOL")", "protocol_selection", "downstream"},
      {R"("circuit_breakers": {"thresholds": [{"retry_budget": {}}]})",
       "circuit_breakers.thresholds[0].retry_budget", "retry budget"},
      {R"("circuit_breakers": {"per_host_thresholds": [{}]})",
       "circuit_breakers.per_host_thresholds", "each endpoint"},
      {R"("upstream_bind_config": {"source_address": {"address": "127.0.0.2", "port_value": 0}})",
       "upstream_bind_config.source_address", "local address"},
      {R"("transport_socket": {"name": "x", "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"}})",
       "transport_socket", "TLS"},
      {R"("lb_subset_config": {"subset_selectors": [{"keys": ["a"]}]})",
       "lb_subset_config.subset_selectors", "subsets"},
      {R"("load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "x",
        "typed_config": {"@type":
        "type.googleapis.com/envoy.extensions.load_balancing_policies.maglev.v3.Maglev"}}}]})",
       "load_balancing_policy", "maglev.v3.Maglev"},
      {http + R"("explicit_http_config": {"http2_protocol_options": {}}}})",
       http_at + ".explicit_http_config.http2_protocol_options", "HTTP/2"},
      {http + R"("use_downstream_protocol_config": {}}})",
       http_at + ".use_downstream_protocol_config", "downstream"},
      {http + R"("auto_config": {}}})", http_at + ".auto_config", "ALPN"},
      {http + R"("common_http_protocol_options": {}}})", http_at, "explicit_http_config"},
      {R"("typed_extension_protocol_options": {"envoy.x": {"@type":
        "type.googleapis.com/google.protobuf.Empty"}})",
       "typed_extension_protocol_options[\"envoy.x\"]", "envoy.x"},
      {R"("typed_extension_protocol_options": {
         "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {"@type":
         "type.googleapis.com/xds.type.v3.TypedStruct"}})",
       http_at, "TypedStruct"},
      {R"("eds_cluster_config": {})", "eds_cluster_config", "EDS"},
      {R"("filters": [{"name": "x"}])", "filters", "filters"},
  };
  for (const Refused& row : table) {
    const Planned planned = planWith(row.fields);
    EXPECT_EQ(planned.errors(), Paths{row.path}) << row.fields << planned.text();
    EXPECT_NE(planned.text().find(row.text), std::string::npos) << row.text << planned.text();
  }
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

TEST(ClusterPlan, TheNameIsNeededAndEverythingIsReportedAtOnce) {
  const Planned planned =
      plan(R"({"type": "EDS", "lb_policy": "MAGLEV", "connect_timeout": "0s"})");
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
             R"("endpoint_picking_policy": {"policies": [)" + policy("random.v3.Random") + "]}") +
      "]}");
  ASSERT_TRUE(nested.plan) << nested.text();
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

const std::string kNames = R"({"lb_endpoints": [)" + endpoint("a.test", 80) + "]}";

TEST(ClusterPlan, DnsClustersKeepNamesAndRates) {
  const Planned planned = planEndpoints(kNames, R"(, "type": "STRICT_DNS",
    "dns_refresh_rate": "2s", "dns_jitter": "0.5s", "respect_dns_ttl": true,
    "dns_failure_refresh_rate": {"base_interval": "1s"}, "dns_lookup_family": "V4_PREFERRED",
    "wait_for_warm_on_init": false, "use_tcp_for_dns_lookups": true,
    "dns_resolvers": [{"socket_address": {"address": "127.0.0.9", "port_value": 5353}}])");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_TRUE(planned.problems.empty()) << planned.text();
  EXPECT_EQ(planned.plan->settings.discovery, Discovery::StrictDns);
  ASSERT_EQ(planned.plan->endpoints.size(), 1u);
  EXPECT_EQ(planned.plan->endpoints[0].name, "a.test");
  EXPECT_EQ(planned.plan->endpoints[0].port, 80);
  EXPECT_EQ(planned.plan->endpoints[0].hostname, "a.test");
  const DnsSpec& dns = planned.plan->dns;
  EXPECT_EQ(dns.family, net::AddressFamily::V4Preferred);
  EXPECT_EQ(dns.refresh, 2s);
  EXPECT_EQ(dns.jitter, 500ms);
  EXPECT_TRUE(dns.respect_ttl);
  EXPECT_EQ(dns.failure_base, 1s);
  EXPECT_EQ(dns.failure_max, 10s);
  EXPECT_FALSE(dns.wait_for_warm);
  EXPECT_TRUE(dns.resolver.tcp_only);
  ASSERT_EQ(dns.resolver.servers.size(), 1u);
  EXPECT_EQ(dns.resolver.servers[0].text(), "127.0.0.9:5353");
}

TEST(ClusterPlan, DnsDefaultsAreEnvoys) {
  const Planned planned = planEndpoints(kNames, R"(, "type": "LOGICAL_DNS")");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.plan->settings.discovery, Discovery::LogicalDns);
  const DnsSpec& dns = planned.plan->dns;
  EXPECT_EQ(dns.family, net::AddressFamily::Auto);
  EXPECT_EQ(dns.refresh, 5s);
  EXPECT_EQ(dns.failure_base, 5s);
  EXPECT_EQ(dns.failure_max, 5s);
  EXPECT_EQ(dns.jitter, 0s);
  EXPECT_TRUE(dns.wait_for_warm);
  EXPECT_EQ(dns.resolver.timeout, 5s);
  EXPECT_EQ(dns.resolver.tries, 4);
}

// The extension's DnsLookupFamily has other numbers than Cluster's: 2 is V4_ONLY here, V6_ONLY
// there.
TEST(ClusterPlan, TheDnsClusterExtensionIsRead) {
  const std::string type = R"(, "dns_lookup_family": "V6_ONLY", "cluster_type": {
    "name": "envoy.cluster.dns", "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster",
    "dns_refresh_rate": "3s", "dns_lookup_family": "V4_ONLY", "dns_min_refresh_rate": "4s",
    "typed_dns_resolver_config": {"name": "x", "typed_config": {
      "@type":
        "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
      "resolvers": [{"socket_address": {"address": "::1", "port_value": 53}}],
      "dns_resolver_options": {"no_default_search_domain": true}, "query_timeout_seconds": 1,
      "query_tries": 2, "use_resolvers_as_fallback": true, "rotate_nameservers": true,
      "filter_unroutable_families": true, "edns0_max_payload_size": 1232}})";
  const Planned strict = planEndpoints(kNames, type + "}}");
  ASSERT_TRUE(strict.plan) << strict.text();
  EXPECT_EQ(strict.plan->settings.discovery, Discovery::StrictDns);
  const DnsSpec& dns = strict.plan->dns;
  EXPECT_EQ(dns.family, net::AddressFamily::V4Only);
  EXPECT_EQ(dns.refresh, 3s);
  EXPECT_EQ(dns.min_refresh, 4s);
  EXPECT_EQ(dns.resolver.servers.at(0).text(), "[::1]:53");
  EXPECT_FALSE(dns.resolver.search_domains);
  EXPECT_EQ(dns.resolver.timeout, 1s);
  EXPECT_EQ(dns.resolver.tries, 2);
  EXPECT_TRUE(dns.resolver.servers_as_fallback);
  EXPECT_TRUE(dns.resolver.rotate);
  EXPECT_TRUE(dns.resolver.routable_only);
  EXPECT_EQ(dns.resolver.edns_payload_size, 1232u);
  const Planned logical =
      planEndpoints(kNames, type + R"(, "all_addresses_in_single_endpoint": true}})");
  ASSERT_TRUE(logical.plan) << logical.text();
  EXPECT_EQ(logical.plan->settings.discovery, Discovery::LogicalDns);
}

TEST(ClusterPlan, DnsClustersAreCheckedAsInEnvoy) {
  const auto errors = [](const std::string& localities, const std::string& more) {
    return planEndpoints(localities, more).errors();
  };
  const std::string two =
      R"({"lb_endpoints": [)" + endpoint("a.test", 80) + "," + endpoint("b.test", 80) + "]}";
  EXPECT_EQ(errors(two, R"(, "type": "LOGICAL_DNS")"), Paths{"load_assignment.endpoints"});
  EXPECT_EQ(errors("", R"(, "type": "LOGICAL_DNS")"), Paths{"load_assignment.endpoints"});
  EXPECT_EQ(errors(two, R"(, "type": "STRICT_DNS")"), Paths{});
  EXPECT_EQ(plan(R"({"name": "c", "type": "STRICT_DNS"})").errors(), Paths{"load_assignment"});
  EXPECT_EQ(errors(R"({"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": "/x"}}}}]})",
                   R"(, "type": "STRICT_DNS")"),
            Paths{"load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.pipe"});
  EXPECT_EQ(errors(kNames, R"(, "type": "STRICT_DNS", "dns_refresh_rate": "0.001s",
      "dns_failure_refresh_rate": {"base_interval": "2s", "max_interval": "1s"},
      "dns_resolvers": [{"socket_address": {"address": "ns.test", "port_value": 53}}])"),
            (Paths{"dns_failure_refresh_rate.max_interval", "dns_refresh_rate",
                   "dns_resolvers[0].socket_address.address"}));
  EXPECT_EQ(errors(kNames, R"(, "type": "STRICT_DNS", "dns_failure_refresh_rate": {})"),
            Paths{"dns_failure_refresh_rate.base_interval"});
}

}  // namespace
}  // namespace weir::cluster
