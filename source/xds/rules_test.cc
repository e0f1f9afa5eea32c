// Rules of the protocol that hold for several types or both variants, each by its name. Which test
// proves which rule is told in test/integration/xds_rules.md.
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;

class Rules : public ScriptedServer {
 protected:
  // One watch by name, its first answer, and then one that leaves it out.
  std::string afterAbsence(ResourceType type) {
    make(false);
    Probe probe;
    const bool wide = factsOf(type).whole;
    const auto watching =
        watch(type, probe, wide ? Watch::Kind::All : Watch::Kind::Name, wide ? "" : "a");
    connect();
    google::protobuf::Any a = cluster("a");
    a.set_type_url(std::string(factsOf(type).url));
    say(sotw(type, "1", "1", {a}));
    probe.take();
    say(sotw(type, "2", "2", {}));
    EXPECT_EQ(source->of(type).version(), "2");
    return toldOnce(probe);
  }
  // The same, removed by name.
  std::string afterRemoval(ResourceType type) {
    make(true);
    Probe probe;
    const auto watching = watch(type, probe, Watch::Kind::Name, "a");
    connect();
    say(delta(type, "1", {"a"}));
    probe.take();
    say(delta(type, "2", {}, {"a"}));
    return toldOnce(probe);
  }
  // The same, with the end of a time to live.
  std::string afterItsTime(ResourceType type) {
    make(true);
    Probe probe;
    const auto watching = watch(type, probe, Watch::Kind::Name, "a");
    connect();
    DeltaResponse response = delta(type, "1", {"a"});
    response.mutable_resources(0)->mutable_ttl()->set_seconds(1);
    say(response);
    probe.take();
    pass(1100ms);
    return toldOnce(probe);
  }
  static std::string toldOnce(Probe& probe) {
    const Strings told = probe.take();
    EXPECT_LE(told.size(), 1u);
    return told.empty() ? "" : told.front();
  }
};

TEST_F(Rules, WhatIsAbsentIsGoneForListenersClustersAndScopesAlone) {
  for (const ResourceType type : {Listener, Cluster, ScopedRoutes}) {
    EXPECT_EQ(afterAbsence(type), "-a") << factsOf(type).title;
  }
  for (const ResourceType type : {Endpoints, Routes, Secret, Runtime, Extension}) {
    EXPECT_EQ(afterAbsence(type), "") << factsOf(type).title;
  }
}

TEST_F(Rules, WhatIsRemovedStaysInUseWhereNothingCouldTakeItsPlace) {
  for (const ResourceType type : {Listener, Cluster, ScopedRoutes, VirtualHost, Runtime}) {
    EXPECT_EQ(afterRemoval(type), "-a") << factsOf(type).title;
    EXPECT_EQ(afterItsTime(type), "-a") << factsOf(type).title;
  }
  for (const ResourceType type : {Endpoints, Routes, Secret, Extension}) {
    EXPECT_EQ(afterRemoval(type), "") << factsOf(type).title;
    EXPECT_EQ(afterItsTime(type), "") << factsOf(type).title;
  }
}

// Whoever does not take it for the last one ignores all that is asked later (envoy 3355).
TEST_F(Rules, ANonceIsKeptOfEveryResponse) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sent.clear();
  say(sotw(Endpoints, "v1", "n1", {}));
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "n1");
  say(sotw(Endpoints, "v2", "n2", {endpoints("x")}));
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "n2");
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  const auto asked = request<SotwRequest>();
  EXPECT_EQ(asked.response_nonce() + asked.version_info(), "n2v2");
  EXPECT_EQ(names(asked.resource_names()), Strings{"a"});
}

// What came too early is lost, and asked for when it is wanted.
TEST_F(Rules, WhatCameBeforeItWasWantedIsAskedFor) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Endpoints, "1", "n1", {endpoints("a")}));
  sent.clear();
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  EXPECT_EQ(a->current(), nullptr);
  EXPECT_EQ(names(request<SotwRequest>().resource_names()), Strings{"a"});
  say(sotw(Endpoints, "1", "n2", {endpoints("a")}));
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
}

// A list that crosses a push is ignored by the server: the answer to the push must have it, too
// (envoy 10363, 14914).
TEST_F(Rules, AnAnswerNamesWhatIsWantedNow) {
  make(false);
  struct Chain final : Watcher {
    void onUpdate(const Update& update, std::vector<Refusal>&) override {
      if (!update.resources.empty() && next == nullptr) {
        next = test->watch(Endpoints, probe, Watch::Kind::Name, "b");
      }
    }
    void onFetchTimeout() override {}
    Rules_AnAnswerNamesWhatIsWantedNow_Test* test = nullptr;
    Probe probe;
    std::unique_ptr<Watch> next;
  } chain;
  chain.test = this;
  const Watch first(source->of(Endpoints), loop, Watch::Wish{Watch::Kind::Name, "a", 15s, {}},
                    chain);
  connect();
  sent.clear();
  say(sotw(Endpoints, "v1", "n1", {endpoints("a")}));
  const auto ack = request<SotwRequest>();
  EXPECT_EQ(ack.response_nonce(), "n1");
  EXPECT_EQ(names(ack.resource_names()), (Strings{"a", "b"}));
  EXPECT_TRUE(sent.empty()) << "one message says both";
}

TEST_F(Rules, WhatWasNotAskedForIsNoMistake) {
  make(false);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  sent.clear();
  say(sotw(Endpoints, "1", "1", {endpoints("a"), endpoints("z")}));
  EXPECT_EQ(probe.take(), Strings{"+a@1"});
  EXPECT_EQ(source->of(Endpoints).held().size(), 1u);
  EXPECT_FALSE(request<SotwRequest>().has_error_detail());
}

TEST_F(Rules, AnswersComeInTheOrderOfResponses) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sent.clear();
  std::unique_ptr<Watch> more;
  {
    net::Loop::Turn turn(loop);
    user->onMessage(delta(Cluster, "n1", {"a"}).SerializeAsString());
    user->onMessage(delta(Cluster, "n2", {"b"}, {"b"}).SerializeAsString());
    more = watch(Cluster, probe, Watch::Kind::Name, "x");
    user->onMessage(delta(Cluster, "n3", {"c"}).SerializeAsString());
  }
  Strings nonces;
  bool asked = false;
  while (!sent.empty()) {
    const auto answer = request<DeltaRequest>();
    nonces.push_back(answer.response_nonce());
    EXPECT_EQ(answer.has_error_detail(), answer.response_nonce() == "n2");
    asked |= answer.resource_names_subscribe_size() != 0;
  }
  EXPECT_EQ(nonces, (Strings{"n1", "n2", "n3"}));
  EXPECT_TRUE(asked);
}

TEST_F(Rules, TheLastNameLeavesEverythingAsItIs) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  auto x = watch(Cluster, probe, Watch::Kind::Name, "x");
  connect();
  sent.clear();
  {
    net::Loop::Turn turn(loop);
    x.reset();
  }
  EXPECT_EQ(names(request<DeltaRequest>().resource_names_unsubscribe()), Strings{"x"});
  say(delta(Cluster, "0", {"y"}));
  EXPECT_EQ(probe.take(), Strings{"+y@1"});
}

// A server that ignores what it was told is held removes nothing by it (istio 41494).
TEST_F(Rules, ANewStreamThatLeavesOutTakesNothingAway) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(delta(Cluster, "0", {"a", "b"}));
  breakStream();
  pass(600ms);
  probe.take();
  say(delta(Cluster, "0", {"b"}));
  EXPECT_EQ(probe.take(), Strings{});
  EXPECT_NE(source->of(Cluster).current("a"), nullptr);
}

TEST_F(Rules, AnUpdateWithoutATimeToLiveHasNone) {
  make(true);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  DeltaResponse response = delta(Cluster, "0", {"a"});
  response.mutable_resources(0)->mutable_ttl()->set_seconds(1);
  say(response);
  say(delta(Cluster, "1", {"a"}));
  probe.take();
  pass(5s);
  EXPECT_EQ(probe.take(), Strings{});
}

// It neither ends the waiting, nor lets it begin anew (envoy 8046, grpc-node 3074).
TEST_F(Rules, AStreamThatEndsLeavesTheWaitingAsItWas) {
  make(false);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  pass(7s);
  breakStream();
  pass(4s);
  EXPECT_EQ(probe.take(), Strings{});
  ASSERT_NE(user, nullptr);
  breakStream();
  pass(3800ms);
  EXPECT_EQ(probe.take(), Strings{});
  pass(300ms);
  EXPECT_EQ(probe.take(), Strings{"timeout"});
  pass(60s);
  EXPECT_EQ(probe.take(), Strings{}) << "once";
}

TEST_F(Rules, APauseIsARandomPartOfItsBound) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  random = 0;
  breakStream();
  pass(20ms);
  EXPECT_NE(user, nullptr) << "at once, by this draw";
  random = 999;  // of 1,000 ms, the second bound
  breakStream();
  pass(980ms);
  EXPECT_EQ(user, nullptr);
  pass(30ms);
  EXPECT_NE(user, nullptr);
}

TEST_F(Rules, TypesAreAskedForAgainInTheirOrder) {
  for (const bool by_delta : {false, true}) {
    make(by_delta);
    Probe probe;
    const auto listeners = watch(Listener, probe, Watch::Kind::All);
    const auto clusters = watch(Cluster, probe, Watch::Kind::All);
    const auto routes = watch(Routes, probe, Watch::Kind::Name, "r");
    connect();
    breakStream();
    sent.clear();
    pass(600ms);
    Strings types;
    while (!sent.empty()) {
      types.push_back(by_delta ? request<DeltaRequest>().type_url()
                               : request<SotwRequest>().type_url());
    }
    EXPECT_EQ(types, (Strings{std::string(factsOf(Listener).url), std::string(factsOf(Cluster).url),
                              std::string(factsOf(Routes).url)}));
  }
}

// rate_limit_settings: what has to wait is not lost, and each response has its answer.
TEST_F(Rules, RequestsKeepToTheirPace) {
  for (const bool by_delta : {false, true}) {
    pace = {.most = 2, .per_second = 10};
    make(by_delta);
    Probe probe;
    const auto all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    Strings nonces;
    const auto collect = [&] {
      while (!sent.empty()) {
        nonces.push_back(by_delta ? request<DeltaRequest>().response_nonce()
                                  : request<SotwRequest>().response_nonce());
      }
    };
    for (const char* nonce : {"1", "2", "3"}) {
      by_delta ? say(delta(Cluster, nonce, {"a"}, {}, nonce))
               : say(sotw(Cluster, nonce, nonce, {cluster("a", nonce)}));
    }
    collect();
    EXPECT_EQ(nonces, (Strings{"", "1"})) << "two tokens";
    pass(90ms);
    EXPECT_TRUE(sent.empty());
    pass(20ms);
    collect();
    EXPECT_EQ(nonces.size(), 3u);
    pass(110ms);
    collect();
    EXPECT_EQ(nonces, (Strings{"", "1", "2", "3"}));
    pass(10s);
    EXPECT_TRUE(sent.empty());
    EXPECT_GE(stat("control_plane.rate_limit_enforced"), 2u);
  }
}

TEST_F(Rules, TheTimeOfTheLastMessageIsTold) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  EXPECT_EQ(stat("control_plane.last_message_time"), 0u);
  const SotwResponse response = sotw(Cluster, "1", "1", {});
  say(response);
  EXPECT_GT(stat("control_plane.last_message_time"), 1'700'000'000'000u);
  EXPECT_EQ(stat("control_plane.message_bytes"), response.ByteSizeLong());
}

}  // namespace
}  // namespace weir::xds
