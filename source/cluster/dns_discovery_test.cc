#include "source/cluster/dns_discovery.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "source/net/dns_test_server.h"
#include "source/telemetry/stat_store.h"

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;
using Names = std::set<std::string>;

class DnsDiscoveryTest : public testing::Test, public net::TimerUser {
 protected:
  DnsDiscoveryTest() : server_(loop_), guard_(*this) {
    net::ResolverSettings settings;
    settings.servers = {server_.address()};
    settings.search_domains = false;
    settings.timeout = 30ms;
    settings.tries = 1;
    resolver_ = *net::Resolver::make(loop_, settings);
    plan_.settings.discovery = Discovery::StrictDns;
    plan_.rules.overprovisioning_factor = 200;
    plan_.dns.family = net::AddressFamily::V4Only;
    plan_.dns.refresh = plan_.dns.failure_base = plan_.dns.failure_max = 20ms;
  }

  void onTimer() override { event_base_loopbreak(loop_.base()); }

  void add(const std::string& name, uint16_t port = 80) {
    EndpointSpec spec;
    spec.name = spec.hostname = name;
    spec.port = port;
    spec.weight = 3;
    spec.health = Health::Degraded;
    spec.zone = "z1";
    plan_.endpoints.push_back(spec);
  }

  void start() {
    discovery_ = std::make_unique<DnsDiscovery>(
        loop_, *resolver_, plan_, StatScope(stats_).scope("cluster").scope("c"), 1,
        DnsDiscovery::Callbacks{
            .publish = [this](EndpointSetPtr set) { sets_.push_back(std::move(set)); },
            .ready = [this] { ++readies_; },
            .failing =
                [this](std::string_view name, net::DnsError error) {
                  failing_.emplace_back(name);
                  last_error_ = error;
                }},
        former_);
    discovery_->start();
  }

  void runFor(std::chrono::milliseconds time) {
    guard_.arm(loop_.timers(), std::chrono::steady_clock::now() + time);
    loop_.run();
  }
  template <typename Condition>
  bool runUntil(Condition condition) {
    for (int i = 0; i < 500 && !condition(); ++i) runFor(10ms);
    return condition();
  }

  uint64_t stat(const std::string& name) {
    return stats_.value("cluster.c." + name).value_or(99999);
  }
  static Names textsOf(const EndpointSet& set) {
    Names names;
    for (const EndpointPtr& endpoint : set.all) names.insert(endpoint->text);
    return names;
  }

  net::Loop loop_;
  net::DnsTestServer server_;
  std::unique_ptr<net::Resolver> resolver_;
  StatStore stats_;
  ClusterPlan plan_;
  EndpointSet former_;
  std::vector<EndpointSetPtr> sets_;
  int readies_ = 0;
  std::vector<std::string> failing_;
  net::DnsError last_error_ = net::DnsError::None;
  net::Timer guard_;
  std::unique_ptr<DnsDiscovery> discovery_;
};

TEST_F(DnsDiscoveryTest, StrictDnsMakesAnEndpointOfEveryAddressOfEveryName) {
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}};
  server_["b.test"] = {.v4 = {"192.0.2.3"}};
  add("a.test", 80);
  add("b.test", 81);
  start();
  EXPECT_FALSE(discovery_->ready());
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_TRUE(discovery_->ready());
  EXPECT_EQ(readies_, 1);
  EXPECT_EQ(textsOf(*sets_[1]), (Names{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.3:81"}));
  const Endpoint& endpoint = *sets_[1]->all[0];
  EXPECT_EQ(endpoint.hostname, "a.test");
  EXPECT_EQ(endpoint.weight, 3u);
  EXPECT_EQ(endpoint.zone, "z1");
  EXPECT_EQ(endpoint.health, Health::Degraded);
  EXPECT_EQ(sets_[1]->rules.overprovisioning_factor, 200u);
}

TEST_F(DnsDiscoveryTest, EndpointsThatStayAreTheSameObjects) {
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  const EndpointPtr kept = sets_[0]->all[1];
  kept->counts.rq_total = 7;
  server_["a.test"].v4 = {"192.0.2.2", "192.0.2.3"};
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_EQ(textsOf(*sets_[1]), (Names{"192.0.2.2:80", "192.0.2.3:80"}));
  EXPECT_EQ(sets_[1]->all[0], kept);
  EXPECT_EQ(sets_[1]->all[0]->counts.rq_total, 7u);
}

TEST_F(DnsDiscoveryTest, HostsOfAFormerVersionAreTheSameHosts) {
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  former_ = *sets_[0];
  server_["a.test"].v4 = {"192.0.2.2", "192.0.2.3"};
  plan_.endpoints[0].weight = 9;
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  ASSERT_EQ(textsOf(*sets_[1]), (Names{"192.0.2.2:80", "192.0.2.3:80"}));
  EXPECT_TRUE(sets_[1]->all[0]->isSameHost(*former_.all[1]));
  EXPECT_EQ(sets_[1]->all[0]->weight, 9u);
  EXPECT_FALSE(sets_[1]->all[1]->isSameHost(*former_.all[0]));
}

TEST_F(DnsDiscoveryTest, TheOneHostOfLogicalDnsStaysInAnotherVersion) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  plan_.settings.discovery = Discovery::LogicalDns;
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  former_ = *sets_[0];
  server_["a.test"].v4 = {"192.0.2.7"};
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_TRUE(sets_[1]->all[0]->isSameHost(*former_.all[0]));
  EXPECT_EQ(former_.all[0]->connectAddress().text(), "192.0.2.7:80");
}

TEST_F(DnsDiscoveryTest, AnAnswerInAnotherOrderChangesNothing) {
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  server_["a.test"].v4 = {"192.0.2.2", "192.0.2.1"};
  ASSERT_TRUE(runUntil([&] { return stat("update_no_rebuild") >= 3; }));
  EXPECT_EQ(sets_.size(), 1u);
  EXPECT_EQ(stat("update_success"), stat("update_no_rebuild") + 1);
}

TEST_F(DnsDiscoveryTest, AnAddressCountsOnceForEachNameThatHasIt) {
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2", "192.0.2.1"}};
  server_["b.test"] = {.v4 = {"192.0.2.1"}};
  add("a.test");
  add("b.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_EQ(textsOf(*sets_[1]), (Names{"192.0.2.1:80", "192.0.2.2:80", "192.0.2.1:80"}));
  ASSERT_TRUE(runUntil([&] { return stat("update_no_rebuild") >= 4; })) << "the same answers";
  EXPECT_EQ(sets_.size(), 2u);
}

TEST_F(DnsDiscoveryTest, FailuresKeepTheLastGoodAnswerAndSaySoOnce) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  server_["a.test"].rcode = 2;
  ASSERT_TRUE(runUntil([&] { return stat("update_failure") >= 3; }));
  EXPECT_EQ(sets_.size(), 1u);
  EXPECT_EQ(failing_, std::vector<std::string>{"a.test"});
  EXPECT_EQ(last_error_, net::DnsError::Server);
  server_["a.test"] = {.v4 = {"192.0.2.9"}};
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_EQ(textsOf(*sets_[1]), Names{"192.0.2.9:80"});
}

TEST_F(DnsDiscoveryTest, AStrictNameThatIsGoneHasNoEndpoints) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  server_["a.test"].rcode = 3;
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 2; }));
  EXPECT_TRUE(sets_[1]->all.empty());
  EXPECT_GE(stat("update_empty"), 1u);
  EXPECT_EQ(stat("update_failure"), 0u);
}

TEST_F(DnsDiscoveryTest, AFirstFailureMakesItReadyToo) {
  server_["a.test"] = {.silent = true};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return discovery_->ready(); }));
  EXPECT_EQ(readies_, 1);
  EXPECT_TRUE(sets_.empty());
  EXPECT_EQ(last_error_, net::DnsError::Timeout);
}

TEST_F(DnsDiscoveryTest, AFailureDoesNotMakeItReadyWhileAnotherNameIsOut) {
  server_["bad.test"] = {.rcode = 2};
  server_["late.test"] = {.silent = true};
  plan_.dns.failure_base = plan_.dns.failure_max = 10s;
  add("bad.test");
  add("late.test");
  start();
  ASSERT_TRUE(runUntil([&] { return stat("update_failure") == 1; }));
  EXPECT_FALSE(discovery_->ready());
  ASSERT_TRUE(runUntil([&] { return stat("update_failure") == 2; }));
  EXPECT_TRUE(discovery_->ready());
}

TEST_F(DnsDiscoveryTest, NotWaitingForWarmthAndHavingNoNamesAreReadyAtOnce) {
  start();
  EXPECT_TRUE(discovery_->ready());
  add("a.test");
  plan_.dns.wait_for_warm = false;
  start();
  EXPECT_TRUE(discovery_->ready());
  EXPECT_EQ(readies_, 2);
}

TEST_F(DnsDiscoveryTest, LogicalDnsMovesItsOneEndpoint) {
  plan_.settings.discovery = Discovery::LogicalDns;
  server_["a.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}};
  add("a.test");
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  ASSERT_EQ(sets_[0]->all.size(), 1u);
  const EndpointPtr endpoint = sets_[0]->all[0];
  EXPECT_EQ(endpoint->connectAddress().text(), "192.0.2.1:80");
  server_["a.test"].v4 = {"192.0.2.5"};
  ASSERT_TRUE(runUntil([&] { return endpoint->connectAddress().text() == "192.0.2.5:80"; }));
  server_["a.test"].rcode = 3;
  ASSERT_TRUE(runUntil([&] { return stat("update_failure") >= 2; }));
  EXPECT_GE(stat("update_empty"), 2u);
  EXPECT_EQ(endpoint->connectAddress().text(), "192.0.2.5:80");
  EXPECT_EQ(sets_.size(), 1u);
}

TEST_F(DnsDiscoveryTest, TheTtlSetsThePaceWhenItIsRespected) {
  plan_.dns.respect_ttl = true;
  plan_.dns.min_refresh = 1s;
  server_["one.test"] = {.v4 = {"192.0.2.1"}, .ttl = 1};
  add("one.test");
  start();
  runFor(600ms);
  EXPECT_EQ(stat("update_attempt"), 1u);
  ASSERT_TRUE(runUntil([&] { return stat("update_attempt") == 2; }));
}

TEST_F(DnsDiscoveryTest, ShortTtlsAreStretchedAndZeroMeansTheRefreshRate) {
  plan_.dns.respect_ttl = true;
  plan_.dns.min_refresh = 10s;
  server_["one.test"] = {.v4 = {"192.0.2.1"}, .ttl = 1};
  add("one.test");
  start();
  runFor(1200ms);
  EXPECT_EQ(stat("update_attempt"), 1u);
  server_["one.test"].ttl = 0;
  start();
  ASSERT_TRUE(runUntil([&] { return stat("update_attempt") >= 5; }));
}

TEST_F(DnsDiscoveryTest, FailuresBackOff) {
  plan_.dns.failure_base = 20ms;
  plan_.dns.failure_max = 10s;
  server_["a.test"] = {.rcode = 2};
  add("a.test");
  start();
  runFor(700ms);
  // At the earliest after 10, 30, 70, 150, 310, 630 ms; at a steady 20 ms there would be 30.
  EXPECT_GE(stat("update_failure"), 3u);
  EXPECT_LE(stat("update_failure"), 7u);
}

TEST_F(DnsDiscoveryTest, LiteralsAreAskedOnce) {
  add("192.0.2.7", 8080);
  start();
  ASSERT_TRUE(runUntil([&] { return sets_.size() == 1; }));
  EXPECT_EQ(textsOf(*sets_[0]), Names{"192.0.2.7:8080"});
  runFor(200ms);
  EXPECT_EQ(stat("update_attempt"), 1u);
}

TEST_F(DnsDiscoveryTest, DestroyedWhileAskingItPublishesNothing) {
  server_["a.test"] = {.v4 = {"192.0.2.1"}};
  add("a.test");
  start();
  discovery_.reset();
  runFor(100ms);
  EXPECT_TRUE(sets_.empty());
  EXPECT_EQ(readies_, 0);
}

}  // namespace
}  // namespace weir::cluster
