// Connections whose cluster is made because of them.
#include "source/tcp/tcp_proxy.h"

#include "test/harness/listener_fixture.h"

namespace weir::listener {
namespace {

class TcpOnDemandTest : public ListenerFixture {
 protected:
  TcpOnDemandTest() {
    clusters_.wanted().serve([this](const std::string& name) { asked.push_back(name); },
                             StatScope());
    auto relay = std::make_shared<tcp::TcpProxyPlan>(StatScope());
    relay->targets.push_back({"origin", 0});
    relay->total_weight = 1;
    auto made = std::make_shared<FilterChainPlan>();
    made->name = "relay";
    made->tcp = std::move(relay);
    at = add(plan("l", made));
  }
  void bring() {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    cluster::ClusterSettings settings;
    settings.name = "origin";
    const auto made = std::make_shared<cluster::Cluster>(0, settings, StatScope());
    made->publish(std::move(set));
    net::Loop::Turn turn(loop_);
    clusters_.set(0, made);
  }

  std::vector<std::string> asked;
  net::Address at;
};

TEST_F(TcpOnDemandTest, AConnectionWaitsForItsCluster) {
  origin_.answer({200, {}, "made"});
  Wire client(at);
  client.ask();
  ASSERT_TRUE(soon([&] { return !asked.empty(); }));
  EXPECT_FALSE(client.ended());
  bring();
  EXPECT_TRUE(soon([&] { return client.got("made"); }));
  EXPECT_EQ(asked, std::vector<std::string>{"origin"});
}

TEST_F(TcpOnDemandTest, WhatNobodyMakesIsNotWaitedFor) {
  Wire client(at);
  ASSERT_TRUE(soon([&] { return !asked.empty(); }));
  {
    net::Loop::Turn turn(loop_);
    clusters_.wanted().settle("origin");
  }
  EXPECT_TRUE(soon([&] { return client.ended(); }));
  EXPECT_EQ(asked.size(), 1u) << "it is asked for once a connection";
}

TEST_F(TcpOnDemandTest, NorForEver) {
  Wire client(at);
  ASSERT_TRUE(soon([&] { return !asked.empty(); }));
  pass(cluster::WantedClusters::kPatience - 1s);
  EXPECT_FALSE(client.ended());
  pass(1100ms);
  EXPECT_TRUE(soon([&] { return client.ended(); }));
}

TEST_F(TcpOnDemandTest, AListenerThatGoesEndsWhoWaits) {
  Wire client(at);
  ASSERT_TRUE(soon([&] { return !asked.empty(); }));
  {
    net::Loop::Turn turn(loop_);
    listeners_.clear();
  }
  EXPECT_TRUE(soon([&] { return client.ended(); }));
  bring();
  settle();
  EXPECT_EQ(origin_.connections(), 0u);
}

}  // namespace
}  // namespace weir::listener
