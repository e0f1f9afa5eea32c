#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/cluster/planned.h"

namespace weir::cluster {
namespace {

TEST(PlanEndpoints, EndpointsAreRead) {
  const Planned planned = planEndpoints(
      R"({"locality": {"region": "r", "zone": "z", "sub_zone": "s"}, "priority": 1,
          "lb_endpoints": [)" +
      endpoint("127.0.0.1", 80, R"(, "load_balancing_weight": 5)") + "," + endpoint("::1", 81) +
      R"(]}, {"lb_endpoints": [{"endpoint": {"hostname": "h", "address": {"pipe": {"path": "@x"}}}}]})");
  ASSERT_TRUE(planned.plan) << planned.text();
  const auto set = makeEndpoints(planned.plan->endpoints);
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

TEST(PlanEndpoints, EndpointsOfEdsAreAskedForByName) {
  const Planned planned =
      plan(R"({"name": "c", "type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}})");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.plan->settings.discovery, Discovery::Eds);
  EXPECT_EQ(planned.plan->eds.name, "c");
  EXPECT_TRUE(planned.plan->eds.source.has_ads());
  const Planned other = plan(R"({"name": "c", "type": "EDS",
      "eds_cluster_config": {"eds_config": {"ads": {}}, "service_name": "s"}})");
  ASSERT_TRUE(other.plan) << other.text();
  EXPECT_EQ(other.plan->eds.name, "s");
  EXPECT_EQ(other.plan->settings.eds_service_name, "s");
  EXPECT_EQ(plan(R"({"name": "c", "type": "EDS"})").errors(),
            Paths{"eds_cluster_config.eds_config"});
}

// An answer of EDS: what is wrong with it, and which endpoints it leaves as they are.
TEST(PlanEndpoints, AnAssignmentKeepsTheEndpointsThatItNamesAgain) {
  const Planned planned =
      plan(R"({"name": "c", "type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}})");
  ASSERT_TRUE(planned.plan) << planned.text();
  Report report;
  const auto read = [&](const std::string& endpoints, const std::string& name = "c") {
    envoy::config::endpoint::v3::ClusterLoadAssignment proto;
    const std::string json = R"({"cluster_name": ")" + name +
                             R"(", "endpoints": [{"lb_endpoints": [)" + endpoints + "]}]}";
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
    return planAssignment(proto, *planned.plan, Where(report));
  };
  const std::string one = endpoint("127.0.0.1", 1), two = endpoint("127.0.0.1", 2);
  const auto first = read(one + "," + two);
  ASSERT_TRUE(first) << report.text();
  const auto before = makeEndpoints(first->endpoints);
  const auto second = read(two + "," + endpoint("127.0.0.1", 1, R"(, "load_balancing_weight": 3)"));
  ASSERT_TRUE(second) << report.text();
  const auto after = makeEndpoints(second->endpoints, *before);
  ASSERT_EQ(after->all.size(), 2u);
  EXPECT_EQ(after->all[0], before->all[1]);
  EXPECT_NE(after->all[1], before->all[0]);
  EXPECT_TRUE(after->all[1]->isSameHost(*before->all[0]));
  EXPECT_FALSE(after->all[1]->isSameHost(*after->all[0]));
  EXPECT_EQ(after->all[1]->weight, 3u);
  EXPECT_FALSE(read(one, "other"));
  EXPECT_FALSE(read(endpoint("a.name", 1)));
  EXPECT_EQ(report.errors(), 2u);
}

TEST(PlanEndpoints, EndpointsHaveTheHealthThatIsSaidOfThem) {
  const auto with = [](int port, const std::string& health) {
    return endpoint("127.0.0.1", port, R"(, "health_status": ")" + health + '"');
  };
  const Planned planned =
      planEndpoints(R"({"lb_endpoints": [)" + with(1, "HEALTHY") + "," + with(2, "UNHEALTHY") +
                    "," + with(3, "DRAINING") + "," + with(4, "TIMEOUT") + "," +
                    with(5, "DEGRADED") + "," + with(6, "UNKNOWN") + "]}");
  ASSERT_TRUE(planned.plan) << planned.text();
  EXPECT_EQ(planned.warnings(), Paths{});
  std::vector<Health> health;
  const auto set = makeEndpoints(planned.plan->endpoints);
  for (const EndpointPtr& at : set->all) health.push_back(at->health);
  EXPECT_EQ(health, (std::vector<Health>{Health::Healthy, Health::Unhealthy, Health::Draining,
                                         Health::Unhealthy, Health::Degraded, Health::Healthy}));
}

TEST(PlanEndpoints, AnEndpointOfOtherHealthIsTheSameHost) {
  const auto set = [](const std::string& more, const EndpointSet& former) {
    const Planned planned =
        planEndpoints(R"({"lb_endpoints": [)" + endpoint("127.0.0.1", 1, more) + "]}");
    return makeEndpoints(planned.plan->endpoints, former);
  };
  const auto before = set("", {});
  const auto after = set(R"(, "health_status": "UNHEALTHY")", *before);
  EXPECT_NE(after->all[0], before->all[0]);
  EXPECT_TRUE(after->all[0]->isSameHost(*before->all[0]));
  EXPECT_EQ(set(R"(, "health_status": "TIMEOUT")", *after)->all[0], after->all[0]);
}

TEST(PlanEndpoints, LocalityWeightsCountOnlyWhereTheyAreAskedFor) {
  const std::string localities = R"({"load_balancing_weight": 3, "lb_endpoints": [)" +
                                 endpoint("127.0.0.1", 1) + R"(]}, {"lb_endpoints": [)" +
                                 endpoint("127.0.0.1", 4) + "]}";
  const auto weights = [&](const std::string& fields) {
    const Planned planned = planEndpoints(localities, fields);
    std::vector<uint32_t> weights;
    const auto set = makeEndpoints(planned.plan->endpoints);
    for (const EndpointPtr& at : set->all) {
      EXPECT_EQ(at->weight, 1u);
      weights.push_back(at->locality_weight);
    }
    return weights;
  };
  EXPECT_EQ(weights(""), (std::vector<uint32_t>{0, 0}));
  EXPECT_EQ(weights(R"(, "common_lb_config": {"locality_weighted_lb_config": {}})"),
            (std::vector<uint32_t>{3, 0}));
}

TEST(PlanEndpoints, HowHealthCountsIsRead) {
  const Planned plain = planWith(R"("lb_policy": "RANDOM")");
  ASSERT_TRUE(plain.plan) << plain.text();
  EXPECT_EQ(plain.plan->settings.panic_threshold, 50u);
  EXPECT_FALSE(plain.plan->settings.fail_traffic_on_panic);
  EXPECT_EQ(plain.plan->rules.overprovisioning_factor, 140u);
  const Planned other = plan(R"({"name": "c", "load_assignment": {"cluster_name": "c",
      "policy": {"overprovisioning_factor": 200, "weighted_priority_health": true}},
      "common_lb_config": {"healthy_panic_threshold": {"value": 33.9},
                           "zone_aware_lb_config": {"fail_traffic_on_panic": true}}})");
  ASSERT_TRUE(other.plan) << other.text();
  EXPECT_EQ(other.warnings(), Paths{});
  EXPECT_EQ(other.plan->settings.panic_threshold, 33u);
  EXPECT_TRUE(other.plan->settings.fail_traffic_on_panic);
  const auto set = makeEndpoints({}, {}, other.plan->rules);
  EXPECT_EQ(set->rules.overprovisioning_factor, 200u);
  EXPECT_TRUE(set->rules.weighted_health);
  EXPECT_EQ(planWith(R"("common_lb_config": {"zone_aware_lb_config": {"min_cluster_size": 3}})")
                .warnings(),
            Paths{"common_lb_config.zone_aware_lb_config"});
  EXPECT_EQ(planWith(R"("common_lb_config": {"healthy_panic_threshold": {"value": 101}})").errors(),
            Paths{"common_lb_config.healthy_panic_threshold"});
  EXPECT_EQ(plan(R"({"name": "c", "load_assignment": {"cluster_name": "c",
                "policy": {"overprovisioning_factor": 0}}})")
                .errors(),
            Paths{"load_assignment.policy.overprovisioning_factor"});
}

TEST(PlanEndpoints, WrongEndpointsAreAllNamed) {
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

TEST(PlanEndpoints, WeightsOfALocalityMustFitTheirSum) {
  const std::string heavy = R"(, "load_balancing_weight": 4294967295)";
  const Planned planned = planEndpoints(R"({"lb_endpoints": [)" + endpoint("127.0.0.1", 1, heavy) +
                                        "," + endpoint("127.0.0.1", 2, heavy) + "]}");
  EXPECT_EQ(planned.errors(), Paths{"load_assignment.endpoints[0]"});
}

}  // namespace
}  // namespace weir::cluster
