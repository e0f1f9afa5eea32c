// The state of the world, message by message: the rules of the xDS protocol's "Basic Protocol
// Overview" and what control planes were seen to stumble over.
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using namespace std::chrono_literals;
using enum ResourceType;

class Sotw : public ScriptedServer {};

TEST_F(Sotw, TheFirstRequestOfEverythingNamesNothing) {
  make(false);
  Probe probe;
  const auto watching = watch(Cluster, probe, Watch::Kind::All);
  connect();
  EXPECT_EQ(methods, Strings{std::string(kAdsStreamMethod)});
  const auto first = request<SotwRequest>();
  EXPECT_EQ(first.node().id(), "test-id");
  EXPECT_EQ(first.type_url(), factsOf(Cluster).url);
  EXPECT_TRUE(first.resource_names().empty());
  EXPECT_EQ(first.version_info() + first.response_nonce(), "");
  EXPECT_TRUE(sent.empty());
}

TEST_F(Sotw, EveryResponseIsAnsweredOnce) {
  make(false);
  Probe probe;
  const auto watching = watch(Cluster, probe, Watch::Kind::All);
  connect();
  request<SotwRequest>();
  say(sotw(Cluster, "v1", "n1", {cluster("a"), cluster("b")}));
  const auto ack = request<SotwRequest>();
  EXPECT_EQ(ack.version_info(), "v1");
  EXPECT_EQ(ack.response_nonce(), "n1");
  EXPECT_FALSE(ack.has_error_detail());
  EXPECT_FALSE(ack.has_node());
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(probe.take(), (Strings{"+a@v1", "+b@v1"}));
}

TEST_F(Sotw, ARefusalKeepsTheVersionAndSaysWhyOnce) {
  make(false);
  Probe probe;
  probe.bad = {"b"};
  const auto watching = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "v1", "n1", {cluster("a")}));
  say(sotw(Cluster, "v2", "n2", {cluster("a"), cluster("b"), cluster("c")}));
  request<SotwRequest>(), request<SotwRequest>();
  const auto nack = request<SotwRequest>();
  EXPECT_EQ(nack.version_info(), "v1");
  EXPECT_EQ(nack.response_nonce(), "n2");
  EXPECT_EQ(nack.error_detail().code(), 13);
  EXPECT_EQ(nack.error_detail().message(), "Error adding/updating cluster(s) b: it is bad");
  // The good ones are in use.
  EXPECT_EQ(probe.take(), (Strings{"+a@v1", "+b@v2", "+c@v2"}));
  EXPECT_NE(source->of(Cluster).current("c"), nullptr);
  EXPECT_EQ(source->of(Cluster).current("b"), nullptr);
  const auto more = watch(Cluster, probe, Watch::Kind::Name, "x");
  const auto next = request<SotwRequest>();
  EXPECT_FALSE(next.has_error_detail());
  EXPECT_EQ(next.response_nonce(), "n2");
  EXPECT_EQ(names(next.resource_names()), (Strings{"*", "x"}));
}

TEST_F(Sotw, WhatAResponseLeavesOutIsGoneWhereItIsWhole) {
  make(false);
  Probe clusters, assignments;
  const auto all = watch(Cluster, clusters, Watch::Kind::All);
  const auto a = watch(Endpoints, assignments, Watch::Kind::Name, "a");
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a"), cluster("b")}));
  say(sotw(Endpoints, "1", "1", {endpoints("a")}));
  clusters.take(), assignments.take();
  say(sotw(Cluster, "2", "2", {cluster("b")}));
  EXPECT_EQ(clusters.take(), Strings{"-a"});
  say(sotw(Endpoints, "2", "2", {}));
  EXPECT_EQ(assignments.take(), Strings{});
  EXPECT_NE(source->of(Endpoints).current("a"), nullptr);
  say(sotw(Cluster, "3", "3", {}));
  EXPECT_EQ(clusters.take(), Strings{"-b"});
}

TEST_F(Sotw, AnEmptyFirstResponseIsToldAndAccepted) {
  make(false);
  Probe probe;
  const auto watching = watch(Listener, probe, Watch::Kind::All);
  connect();
  request<SotwRequest>();
  say(sotw(Listener, "v1", "n1", {}));
  EXPECT_EQ(request<SotwRequest>().version_info(), "v1");
  EXPECT_EQ(probe.take(), Strings{"nothing"});
}

// A refused one is not gone: what is in use of that name stays in use.
TEST_F(Sotw, WhatCannotBeReadIsNotGone) {
  make(false);
  Probe probe;
  const auto watching = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a"), cluster("b")}));
  probe.take(), sent.clear();
  say(sotw(Cluster, "2", "2", {cluster("a"), cluster("b"), cluster("b"), endpoints("c")}));
  const auto nack = request<SotwRequest>();
  EXPECT_EQ(nack.version_info(), "1");
  EXPECT_NE(nack.error_detail().message().find("b: the name stands twice"), std::string::npos);
  EXPECT_NE(nack.error_detail().message().find("ClusterLoadAssignment"), std::string::npos);
  EXPECT_EQ(probe.take(), Strings{});
}

TEST_F(Sotw, NamesThatGrowAreSentWholeWithTheLastNonce) {
  make(false);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  EXPECT_EQ(names(request<SotwRequest>().resource_names()), Strings{"a"});
  say(sotw(Endpoints, "v1", "n1", {endpoints("a")}));
  request<SotwRequest>();
  const auto b = watch(Endpoints, probe, Watch::Kind::Name, "b");
  const auto grown = request<SotwRequest>();
  EXPECT_EQ(names(grown.resource_names()), (Strings{"a", "b"}));
  EXPECT_EQ(grown.version_info() + grown.response_nonce(), "v1n1");
}

// go-control-plane's ordered caches answer a request only if it names all there is.
TEST_F(Sotw, WishesOfOneTurnTravelTogether) {
  make(false);
  struct Parent final : Watcher {
    void onUpdate(const Update& update, std::vector<Refusal>&) override {
      for (const auto& resource : update.resources) {
        children.push_back(test->watch(Endpoints, probe, Watch::Kind::Name, resource->name));
      }
    }
    void onFetchTimeout() override {}
    Sotw_WishesOfOneTurnTravelTogether_Test* test = nullptr;
    Probe probe;
    std::vector<std::unique_ptr<Watch>> children;
  } parent;
  parent.test = this;
  const auto watching = std::make_unique<Watch>(source->of(Cluster), loop, Watch::Wish{}, parent);
  connect();
  request<SotwRequest>();
  say(sotw(Cluster, "1", "1", {cluster("a"), cluster("b"), cluster("c")}));
  EXPECT_EQ(request<SotwRequest>().type_url(), factsOf(Cluster).url);
  EXPECT_EQ(names(request<SotwRequest>().resource_names()), (Strings{"a", "b", "c"}));
  EXPECT_TRUE(sent.empty());
}

// An empty list would be read as everything.
TEST_F(Sotw, AnEmptyFirstListIsNeverSent) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  request<SotwRequest>(), request<SotwRequest>();
  {
    net::Loop::Turn turn(loop);
    a.reset();
  }
  const auto none = request<SotwRequest>();  // on this stream it means nothing
  EXPECT_EQ(none.type_url(), factsOf(Endpoints).url);
  EXPECT_TRUE(none.resource_names().empty());
  breakStream();
  pass(600ms);
  EXPECT_EQ(request<SotwRequest>().type_url(), factsOf(Cluster).url);
  EXPECT_TRUE(sent.empty());
}

TEST_F(Sotw, ANewStreamKnowsTheVersionAndNoNonce) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  say(sotw(Cluster, "v1", "n1", {cluster("a")}));
  say(sotw(Endpoints, "v7", "n2", {endpoints("a")}));
  sent.clear(), probe.take();
  breakStream();
  EXPECT_EQ(stat("control_plane.connected_state"), 0u);
  pass(600ms);
  EXPECT_EQ(methods.size(), 2u);
  const auto first = request<SotwRequest>();
  EXPECT_EQ(first.version_info(), "v1");
  EXPECT_EQ(first.response_nonce(), "");
  EXPECT_TRUE(first.has_node());
  const auto second = request<SotwRequest>();
  EXPECT_EQ(second.version_info(), "v7");
  EXPECT_EQ(names(second.resource_names()), Strings{"a"});
  EXPECT_FALSE(second.has_node());
  say(sotw(Cluster, "v1", "n1", {cluster("a")}));
  EXPECT_EQ(probe.take(), Strings{});  // it is in use already
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "n1");
}

// Its nonce counts all the same, or every later request would be taken for an old one.
TEST_F(Sotw, AResponseNobodyAskedForIsAccepted) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  request<SotwRequest>();
  say(sotw(Endpoints, "v1", "n1", {endpoints("a")}));
  const auto ack = request<SotwRequest>();
  EXPECT_EQ(ack.version_info() + ack.response_nonce(), "v1n1");
  EXPECT_FALSE(ack.has_error_detail());
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "n1");
}

TEST_F(Sotw, UnlessToldOtherwiseEachRequestNamesTheNode) {
  make(false, std::nullopt, false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "1", {}));
  EXPECT_TRUE(request<SotwRequest>().has_node());
  EXPECT_TRUE(request<SotwRequest>().has_node());
}

TEST_F(Sotw, OneStreamOfOneType) {
  make(false, Endpoints);
  Probe probe;
  const auto a = watch(Endpoints, probe, Watch::Kind::Name, "a");
  connect();
  EXPECT_EQ(methods, Strings{std::string(factsOf(Endpoints).stream_method)});
}

TEST_F(Sotw, AHeartbeatIsNoState) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  envoy::service::discovery::v3::Resource wrapped;
  wrapped.set_name("a");
  wrapped.mutable_ttl()->set_seconds(2);
  *wrapped.mutable_resource() = cluster("a");
  google::protobuf::Any any;
  any.PackFrom(wrapped);
  say(sotw(Cluster, "1", "1", {any, cluster("b")}));
  probe.take(), sent.clear();
  wrapped.clear_resource();
  any.PackFrom(wrapped);
  pass(1500ms);
  say(sotw(Cluster, "1", "2", {any}));
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "2");
  pass(1500ms);
  EXPECT_EQ(probe.take(), Strings{});
  pass(1s);
  EXPECT_EQ(probe.take(), Strings{"-a"});
  EXPECT_NE(source->of(Cluster).current("b"), nullptr);
}

// Two sides that repeat themselves would do nothing else.
TEST_F(Sotw, TheSameMistakeIsAnsweredEverMoreSlowly) {
  make(false);
  Probe probe;
  probe.bad = {"a"};
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "n0", {cluster("a")}));
  sent.clear(), probe.take();
  say(sotw(Cluster, "1", "n1", {cluster("a")}));
  EXPECT_TRUE(sent.empty());
  pass(110ms);
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "n1");
  say(sotw(Cluster, "1", "n2", {cluster("a")}));
  pass(110ms);
  EXPECT_TRUE(sent.empty());
  pass(110ms);
  const auto nack = request<SotwRequest>();
  EXPECT_EQ(nack.response_nonce(), "n2");
  EXPECT_EQ(nack.error_detail().message(), "Error adding/updating cluster(s) a: it is bad");
  EXPECT_EQ(probe.take(), Strings{});  // nothing was tried again
  // Another response is looked at, at once.
  probe.bad.clear();
  say(sotw(Cluster, "2", "n3", {cluster("a", "mended")}));
  EXPECT_EQ(request<SotwRequest>().version_info(), "2");
  EXPECT_EQ(probe.take(), Strings{"+a@2"});
}

// What was wrong with it may have been another one.
TEST_F(Sotw, WhatWasRefusedIsTriedAgainWhenSomethingElseChanges) {
  make(false);
  Probe probe;
  probe.bad = {"b"};
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  say(sotw(Cluster, "1", "1", {cluster("a"), cluster("b")}));
  probe.bad.clear(), probe.take(), sent.clear();
  say(sotw(Cluster, "2", "2", {cluster("b")}));
  EXPECT_EQ(probe.take(), (Strings{"+b@2", "-a"}));
  EXPECT_EQ(request<SotwRequest>().version_info(), "2");
}

TEST_F(Sotw, TheNextStreamComesAfterAPauseThatGrowsUntilAnAnswer) {
  make(false);
  random = ~uint64_t{0};
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  for (size_t streams = 1; streams <= 10; ++streams) {
    ASSERT_EQ(methods.size(), streams);
    breakStream();
    pass(50ms);
    EXPECT_EQ(methods.size(), streams) << "a hot loop";
    pass(30s);
  }
  say(sotw(Cluster, "1", "1", {}));
  breakStream();
  pass(520ms);
  EXPECT_EQ(methods.size(), 12u);
}

TEST_F(Sotw, BytesThatAreNoMessageEndTheStream) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  sayBytes("\x0a\xff\xff\xff");
  EXPECT_EQ(user, nullptr);
  EXPECT_EQ(stat("w.update_failure"), 1u);
  pass(600ms);
  EXPECT_NE(user, nullptr);
}

TEST_F(Sotw, TheControlPlaneNamesItself) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  SotwResponse response = sotw(Cluster, "1", "1", {});
  response.mutable_control_plane()->set_identifier("cp-7");
  say(response);
  EXPECT_EQ(identity, "cp-7");
}

TEST_F(Sotw, CountsLikeEnvoy) {
  make(false);
  Probe probe;
  const auto all = watch(Cluster, probe, Watch::Kind::All);
  connect();
  EXPECT_EQ(stat("w.update_attempt"), 1u);
  EXPECT_EQ(stat("control_plane.connected_state"), 1u);
  say(sotw(Cluster, "1", "1", {cluster("a")}));
  say(sotw(Cluster, "1", "2", {cluster("a")}));
  EXPECT_EQ(stat("w.update_success"), 2u);
  const uint64_t version = stat("w.version");
  probe.bad = {"a"};
  say(sotw(Cluster, "2", "3", {cluster("a", "x")}));
  EXPECT_EQ(stat("w.update_rejected"), 1u);
  EXPECT_EQ(stat("w.version"), version);
}

}  // namespace
}  // namespace weir::xds
