// What becomes of instances, and when a cluster may be used.
#include "source/live/consul_discovery.h"

#include <gmock/gmock.h>

#include "source/consul/scripted_agent.h"

namespace weir::live {
namespace {

using namespace std::chrono_literals;
using consul::instanceJson;
using testing::ElementsAre;
using testing::IsEmpty;

class ConsulDiscoveryTest : public consul::ScriptedAgent {
 protected:
  void SetUp() override { make(); }

  // As it is told: "10.0.0.1:80/1*3" of priority 1 and weight 3, "ready".
  void follow(std::vector<std::string> datacenters, bool passing_only = true) {
    watches = std::make_unique<consul::ServiceWatches>(*agent);
    service.name = "web";
    service.datacenters = std::move(datacenters);
    service.read.passing_only = passing_only;
    discovery = makeOne(told);
  }
  std::unique_ptr<ConsulDiscovery> makeOne(std::vector<std::string>& to) {
    ConsulDiscovery::Callbacks callbacks;
    callbacks.publish = [&to](const std::vector<cluster::EndpointSpec>& specs) {
      std::string all;
      for (const cluster::EndpointSpec& spec : specs) {
        all += (all.empty() ? "" : " ") + spec.address.text() + "/" +
               std::to_string(spec.priority) + "*" + std::to_string(spec.weight);
        if (spec.health != cluster::Health::Healthy) {
          all += spec.health == cluster::Health::Degraded ? "?" : "!";
        }
      }
      to.push_back(all);
    };
    callbacks.ready = [&to] { to.emplace_back("ready"); };
    const net::Loop::Turn turn(loop);
    auto made = std::make_unique<ConsulDiscovery>(*watches, service, std::move(callbacks));
    made->start();
    return made;
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }

  consul::ServiceSettings service;
  std::unique_ptr<consul::ServiceWatches> watches;
  std::unique_ptr<ConsulDiscovery> discovery;
  std::vector<std::string> told;
};

TEST_F(ConsulDiscoveryTest, InstancesAreEndpointsOfTheirHealthAndWeight) {
  services["web"].body = "[" + instanceJson("a", 80) + "," + instanceJson("b", 81, "warning") +
                         "," + instanceJson("c", 82, "critical") + "]";
  follow({""}, false);
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("10.0.0.1:80/0*1 10.0.0.1:81/0*1? 10.0.0.1:82/0*1!", "ready"));
}

TEST(ConsulEndpoints, TagsAndMetaAreMetadata) {
  consul::Instance instance;
  instance.id = "web-1";
  instance.node = "n1";
  instance.tags = {"blue", "eu"};
  instance.meta = {{"version", "2"}};
  const auto specs = endpointsOf({instance}, 0);
  ASSERT_EQ(specs.size(), 1u);
  ASSERT_NE(specs[0].metadata, nullptr);
  const auto& balancing = specs[0].metadata->balancing;
  EXPECT_EQ(balancing.at("version").json, R"("2")");
  EXPECT_THAT(balancing.at("tags").items, ElementsAre(R"("blue")", R"("eu")"));
  std::string text;
  specs[0].metadata->all.append(text, "consul", std::vector<std::string>{"id"});
  EXPECT_EQ(text, "web-1");
}

TEST_F(ConsulDiscoveryTest, DatacentersArePriorities) {
  services["web"].body = "[" + instanceJson("a", 80) + "]";
  follow({"", "dc2"});
  pass(10ms);
  const auto all = take();  // whichever answered first stands alone for a moment
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1], "10.0.0.1:80/0*1 10.0.0.1:80/1*1");
  EXPECT_EQ(all[2], "ready");
}

TEST_F(ConsulDiscoveryTest, AnEmptyListIsAnAnswer) {
  services["web"].body = "[" + instanceJson("a", 80) + "]";
  follow({""});
  pass(10ms);
  take();
  change("web", "[]");
  pass(1s);
  EXPECT_THAT(take(), ElementsAre(""));
}

TEST_F(ConsulDiscoveryTest, AClusterMayBeUsedWhenConsulDoesNotAnswer) {
  failConnections();
  follow({""});
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("ready"));
  ASSERT_NE(discovery->trouble(), nullptr);
  EXPECT_EQ(discovery->trouble()->reason, consul::Reason::NoAnswer);
  EXPECT_EQ(discovery->age(), 0s) << "nothing is in use";
}

// As when a cluster's timeout changes while Consul is away.
TEST_F(ConsulDiscoveryTest, AnotherVersionHasTheListAtOnce) {
  services["web"].body = "[" + instanceJson("a", 80) + "]";
  follow({""});
  pass(10ms);
  failConnections();
  pass(5s);
  std::vector<std::string> other;
  const auto next = makeOne(other);
  EXPECT_THAT(other, ElementsAre("10.0.0.1:80/0*1", "ready"));
  discovery.reset();
  pass(10min);
  EXPECT_GE(next->age(), 10min);
  EXPECT_EQ(agent->watches(), 1u);
  EXPECT_THAT(other, ElementsAre("10.0.0.1:80/0*1", "ready"));
}

}  // namespace
}  // namespace weir::live
