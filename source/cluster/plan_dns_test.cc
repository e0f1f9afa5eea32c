#include "source/cluster/cluster_plan.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "source/cluster/planned.h"

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

const std::string kNames = R"({"lb_endpoints": [)" + endpoint("a.test", 80) + "]}";

TEST(ClusterPlanDns, DnsClustersKeepNamesAndRates) {
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

TEST(ClusterPlanDns, DnsDefaultsAreEnvoys) {
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
TEST(ClusterPlanDns, TheDnsClusterExtensionIsRead) {
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

TEST(ClusterPlanDns, DnsClustersAreCheckedAsInEnvoy) {
  const auto errors = [](const std::string& localities, const std::string& more) {
    return planEndpoints(localities, more).errors();
  };
  const std::string two =
      R"({"lb_endpoints": [)" + endpoint("a.test", 80) + "," + endpoint("b.test", 80) + "]}";
  EXPECT_EQ(errors(two, R"(, "type": "LOGICAL_DNS")"), Paths{"load_assignment.endpoints"});
  EXPECT_EQ(errors("", R"(, "type": "LOGICAL_DNS")"), Paths{"load_assignment.endpoints"});
  EXPECT_EQ(errors(two, R"(, "type": "STRICT_DNS")"), Paths{});
  EXPECT_EQ(plan(R"({"name": "c", "type": "STRICT_DNS"})").errors(), Paths{});
  EXPECT_EQ(plan(R"({"name": "c", "type": "LOGICAL_DNS"})").errors(),
            Paths{"load_assignment.endpoints"});
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
