// Deltas, message by message.
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;

class Delta : public ScriptedServer {};

TEST_F(Delta, TheFirstRequestOfEverythingNamesNothing) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  EXPECT_EQ(methods, Strings{std::string(kAdsDeltaMethod)});
  const auto first = request<DeltaRequest>();
  EXPECT_EQ(first.node().id(), "test-id");
  EXPECT_TRUE(first.resource_names_subscribe().empty());
  EXPECT_TRUE(first.initial_resource_versions().empty());
  EXPECT_EQ(first.response_nonce(), "");
}

TEST_F(Delta, AnswersAreAloneWithTheirNonce) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  request<DeltaRequest>();
  say(delta(Cluster, "0", {"a"}));
  const auto ack = request<DeltaRequest>();
  EXPECT_EQ(ack.response_nonce(), "0");
  EXPECT_FALSE(ack.has_node());
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
}

// The literal sequence that java-control-plane's tests want to see.
TEST_F(Delta, WishesHaveNoNonceOfTheirOwn) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(delta(Cluster, "0", {"a"}));
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  const auto listeners = watch(Listener, probe, Watch::Kind::All);
  say(delta(Endpoints, "1", {"a"}));
  say(delta(Listener, "2", {}));
  const auto routes = watch(Routes, probe, Watch::Kind::Name, "r");
  say(delta(Routes, "3", {}));
  std::string nonces;
  while (!sent.empty()) nonces += request<DeltaRequest>().response_nonce();
  EXPECT_EQ(nonces, "0123");
  const auto same = watch(Routes, probe, Watch::Kind::Name, "r");
  EXPECT_TRUE(sent.empty());
}

TEST_F(Delta, WhatIsWantedMoreOrLessIsSaidAsSuch) {
  make(true);
  Probe probe;
  auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  EXPECT_EQ(names(request<DeltaRequest>().resource_names_subscribe()), Strings{"a"});
  std::unique_ptr<Watch> b;
  {
    net::Loop::Turn turn(loop);
    b = watch(Endpoints, probe, Watch::Kind::Name, "b");
    a.reset();
  }
  const auto change = request<DeltaRequest>();
  EXPECT_EQ(names(change.resource_names_subscribe()), Strings{"b"});
  EXPECT_EQ(names(change.resource_names_unsubscribe()), Strings{"a"});
  EXPECT_EQ(change.response_nonce(), "");
}

// The first one's content is lost, so it must be sent again.
TEST_F(Delta, WhatGoesAndComesBackIsAskedForAgain) {
  make(true);
  Probe probe;
  auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  say(delta(Endpoints, "0", {"a"}));
  sent.clear();
  {
    net::Loop::Turn turn(loop);
    a.reset();
    a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  }
  EXPECT_EQ(a->current(), nullptr);
  const auto again = request<DeltaRequest>();
  EXPECT_EQ(names(again.resource_names_subscribe()), Strings{"a"});
  EXPECT_TRUE(again.resource_names_unsubscribe().empty());
}

TEST_F(Delta, NothingIsGoneUnlessItIsSaid) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(delta(Cluster, "0", {"a", "b"}));
  say(delta(Cluster, "1", {}));
  probe.take();
  say(delta(Cluster, "2", {"c"}, {"a"}));
  EXPECT_EQ(probe.take(), (Strings{"+c@1", "-a"}));
}

TEST_F(Delta, EndpointsThatAreRemovedAreUsedOn) {
  make(true);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  const auto b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  connect();
  say(delta(Endpoints, "0", {"a"}));
  probe.take();
  say(delta(Endpoints, "1", {}, {"a", "b"}));
  EXPECT_EQ(probe.take(), Strings{"-b"});  // which never was there
  EXPECT_NE(a->current(), nullptr);
}

// Names that came because everything was wanted are not wanted by name.
TEST_F(Delta, ANewStreamSaysWhatIsHeld) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  const auto b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  connect();
  say(delta(Cluster, "0", {"a", "b", "c"}, {}, "1"));
  say(delta(Cluster, "1", {"b"}, {"c"}, "22"));
  say(delta(Endpoints, "2", {"a", "b"}, {}, "7"));
  say(delta(Endpoints, "3", {}, {"b"}));
  sent.clear();
  breakStream();
  pass(600ms);
  const auto clusters = request<DeltaRequest>();
  EXPECT_TRUE(clusters.has_node());
  EXPECT_TRUE(clusters.resource_names_subscribe().empty());
  EXPECT_EQ(clusters.initial_resource_versions().size(), 2u);
  EXPECT_EQ(clusters.initial_resource_versions().at("a"), "1");
  EXPECT_EQ(clusters.initial_resource_versions().at("b"), "22");
  const auto assignments = request<DeltaRequest>();
  EXPECT_EQ(names(assignments.resource_names_subscribe()), (Strings{"a", "b"}));
  EXPECT_EQ(assignments.initial_resource_versions().size(), 1u);
  EXPECT_EQ(assignments.initial_resource_versions().at("a"), "7");
  EXPECT_EQ(clusters.response_nonce() + assignments.response_nonce(), "");
}

TEST_F(Delta, AnswersThatAreDueDieWithTheStream) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sent.clear();
  {
    net::Loop::Turn turn(loop);
    user->onMessage(delta(Cluster, "0", {"a"}).SerializeAsString());
    user->onStreamEnd("in the same turn");
  }
  pass(600ms);
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "");
  EXPECT_TRUE(sent.empty());
}

TEST_F(Delta, ARefusalLeavesTheVersionsAsTheyWere) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(delta(Cluster, "0", {"a"}, {}, "1"));
  probe.bad = {"a"};
  sent.clear();
  say(delta(Cluster, "1", {"a", "b"}, {}, "22"));
  const auto nack = request<DeltaRequest>();
  EXPECT_EQ(nack.response_nonce(), "1");
  EXPECT_EQ(nack.error_detail().message(), "Error adding/updating cluster(s) a: it is bad");
  EXPECT_EQ(source->of(Cluster).versions(),
            (std::map<std::string, std::string>{{"a", "1"}, {"b", "22"}}));
}

TEST_F(Delta, ANameThatIsThereAndRemovedIsRefused) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  request<DeltaRequest>();
  say(delta(Cluster, "0", {"a"}, {"a"}));
  EXPECT_TRUE(request<DeltaRequest>().has_error_detail());
}

TEST_F(Delta, EverythingAndMore) {
  make(true);
  Probe probe;
  auto all = watch(Cluster, probe, Watch::Kind::All);
  const auto x = watch(Cluster, probe, Watch::Kind::Name, "x");
  connect();
  EXPECT_EQ(names(request<DeltaRequest>().resource_names_subscribe()), (Strings{"*", "x"}));
  {
    net::Loop::Turn turn(loop);
    all.reset();
  }
  EXPECT_EQ(names(request<DeltaRequest>().resource_names_unsubscribe()), Strings{"*"});
}

TEST_F(Delta, TheEndOfATimeToLiveTakesAway) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  DeltaResponse response = delta(Cluster, "0", {"a"});
  response.mutable_resources(0)->mutable_ttl()->set_seconds(2);
  say(response);
  pass(1500ms);
  response.mutable_resources(0)->clear_resource();  // a heartbeat
  response.set_nonce("1");
  say(response);
  probe.take();
  pass(1900ms);
  EXPECT_EQ(probe.take(), Strings{});
  pass(200ms);
  EXPECT_EQ(probe.take(), Strings{"-a"});
}

// Longer than timers can tell; and what is beyond all measure is no longer than ten years.
TEST_F(Delta, ATimeToLiveOfDays) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  DeltaResponse response = delta(Cluster, "0", {"a", "b", "c"});
  response.mutable_resources(0)->mutable_ttl()->set_seconds(100 * 3600);
  response.mutable_resources(1)->mutable_ttl()->set_seconds(INT64_MAX);
  response.mutable_resources(2)->mutable_ttl()->set_seconds(INT64_MIN);
  say(response);
  probe.take();
  pass(20ms);
  EXPECT_EQ(probe.take(), Strings{"-c"});
  for (int hours = 1; hours < 100; ++hours) pass(1h);
  EXPECT_EQ(probe.take(), Strings{});
  pass(1h);
  EXPECT_EQ(probe.take(), Strings{"-a"});
}

// One stream asks once; whoever comes later is told what is there.
TEST_F(Delta, ASecondWatchOfEverythingKnowsWhatIsThere) {
  make(true);
  Probe probe, late;
  const auto all = watch(ScopedRoutes, probe, Watch::Kind::All);
  EXPECT_FALSE(all->answered());
  connect();
  say(delta(ScopedRoutes, "0", {}));
  sent.clear();
  const auto none = watch(ScopedRoutes, late, Watch::Kind::All);
  EXPECT_TRUE(none->answered());
  EXPECT_TRUE(none->known().empty());
  say(delta(ScopedRoutes, "1", {"a", "b"}));
  EXPECT_EQ(late.take(), (Strings{"+a@1", "+b@1"}));
  sent.clear();
  const auto second = watch(ScopedRoutes, late, Watch::Kind::All);
  EXPECT_TRUE(sent.empty());
  ASSERT_EQ(second->known().size(), 2u);
  EXPECT_EQ(second->known()[1]->name, "b");
}

// VHDS: everything is asked for, without a name; each watch is told what begins as it wants.
TEST_F(Delta, PrefixesAreToldApartHere) {
  make(true, VirtualHost);
  Probe probe, other;
  const auto one = watch(VirtualHost, probe, Watch::Kind::Prefix, "one/");
  const auto two = watch(VirtualHost, other, Watch::Kind::Prefix, "two/");
  connect();
  EXPECT_EQ(methods,
            Strings{"/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts"});
  const auto first = request<DeltaRequest>();
  EXPECT_TRUE(first.resource_names_subscribe().empty());
  EXPECT_TRUE(sent.empty());
  say(delta(VirtualHost, "0", {"one/a", "three/c", "one/more/d"}));
  EXPECT_EQ(probe.take(), Strings{"+one/a@1"});
  EXPECT_EQ(other.take(), Strings{"nothing"});
  say(delta(VirtualHost, "1", {"two/b"}, {"one/a"}));
  EXPECT_EQ(probe.take(), Strings{"-one/a"});
  EXPECT_EQ(other.take(), Strings{"+two/b@1"});
  breakStream();
  pass(30s);
  sent.erase(sent.begin(), sent.end() - 1);
  const auto again = request<DeltaRequest>();
  EXPECT_TRUE(again.resource_names_subscribe().empty());
  EXPECT_EQ(again.initial_resource_versions().size(), 3);
  EXPECT_TRUE(again.initial_resource_versions().contains("three/c"));
}

// What nobody wanted when it came is not lost: it comes but once.
TEST_F(Delta, APrefixThatIsNamedLaterKnowsWhatCameBefore) {
  make(true, VirtualHost);
  Probe probe, late;
  auto one = watch(VirtualHost, probe, Watch::Kind::Prefix, "one/");
  connect();
  say(delta(VirtualHost, "0", {"one/a", "two/b"}));
  sent.clear();
  const auto two = watch(VirtualHost, late, Watch::Kind::Prefix, "two/");
  const auto three = watch(VirtualHost, late, Watch::Kind::Prefix, "three/");
  EXPECT_TRUE(sent.empty());
  EXPECT_TRUE(two->answered());
  ASSERT_EQ(two->known().size(), 1u);
  EXPECT_EQ(two->known()[0]->name, "two/b");
  EXPECT_FALSE(three->answered());
  one.reset();
  EXPECT_TRUE(sent.empty());
}

// A watch may end another one, or itself, while it is told.
TEST_F(Delta, WatchesMayEndWhileTheyAreTold) {
  make(true);
  struct Killer final : Watcher {
    void onUpdate(const Update&, std::vector<Refusal>&) override {
      ++told;
      first.reset();
      second.reset();
    }
    void onFetchTimeout() override {}
    std::unique_ptr<Watch> first, second;
    int told = 0;
  } killer;
  killer.first = std::make_unique<Watch>(source->of(Endpoints), loop,
                                         Watch::Wish{Watch::Kind::Name, "a", 0s, {}}, killer);
  killer.second = std::make_unique<Watch>(source->of(Endpoints), loop,
                                          Watch::Wish{Watch::Kind::Name, "a", 0s, {}}, killer);
  connect();
  say(delta(Endpoints, "0", {"a"}));
  EXPECT_EQ(killer.told, 1);
}

// Who cannot do without goes on waiting, as long as it is patient.
TEST_F(Delta, WhatDoesNotExistMayStillCome) {
  make(true);
  Probe content, anyway;
  const Watch::Wish wish{Watch::Kind::Name, "a", 15s, StatScope(stats).scope("must"), true};
  const Watch must(source->of(Secret), loop, wish, content);
  const auto may = watch(Secret, anyway, Watch::Kind::Name, "a");
  connect();
  say(delta(Secret, "0", {}, {"a"}));
  EXPECT_TRUE(may->answered());
  EXPECT_FALSE(must.answered());
  content.take();
  pass(16s);
  EXPECT_EQ(content.take(), Strings{"timeout"});
  EXPECT_EQ(stat("must.init_fetch_timeout"), 1u);
  EXPECT_EQ(stat("w.init_fetch_timeout"), 0u);
}

// Ten thousand endpoints' worth of names: what is wanted costs what has changed.
TEST_F(Delta, ManyNames) {
  make(true);
  Probe probe;
  std::vector<std::unique_ptr<Watch>> watches;
  Strings wanted;
  for (int i = 0; i < 10'000; ++i) {
    wanted.push_back("c" + std::to_string(100'000 + i));
    watches.push_back(watch(Endpoints, probe, Watch::Kind::Name, wanted.back()));
  }
  connect();
  EXPECT_EQ(request<DeltaRequest>().resource_names_subscribe_size(), 10'000);
  say(delta(Endpoints, "0", wanted));
  goOn();
  EXPECT_EQ(probe.take().size(), 10'000u);
  EXPECT_TRUE(request<DeltaRequest>().resource_names_subscribe().empty());
}

}  // namespace
}  // namespace weir::xds
