// Responses of so many resources that others have their turn while they are applied.
#include "source/xds/scripted_server.h"

namespace weir::xds {
namespace {

using enum ResourceType;

constexpr size_t kMany = 600;  // three parts

Strings many(const std::string& prefix = "c") {
  Strings names;
  for (size_t i = 0; i < kMany; ++i) names.push_back(prefix + std::to_string(1000 + i));
  return names;
}

class Parts : public ScriptedServer {
 protected:
  // A stream that was asked for all clusters, and got its first request.
  void followClusters(bool delta) {
    make(delta);
    all = watch(Cluster, probe, Watch::Kind::All);
    connect();
    sent.clear();
  }
  size_t told() const { return probe.told.size(); }

  Probe probe;
  std::unique_ptr<Watch> all;
};

TEST_F(Parts, ClustersComeInPartsAndAreAnsweredOnce) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  const size_t first = told();
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, kMany);
  EXPECT_FALSE(source->of(Cluster).complete());
  goOn(1);
  EXPECT_GT(told(), first);
  EXPECT_LT(told(), kMany);
  EXPECT_TRUE(sent.empty());
  goOn();
  EXPECT_EQ(told(), kMany);
  EXPECT_TRUE(source->of(Cluster).complete());
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "0");
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(stat("w.update_success"), 1u);
}

TEST_F(Parts, WhatIsWantedBecauseOfThemIsAskedForInOneRequest) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  Probe endpoints;
  const auto a = watch(Endpoints, endpoints, Watch::Kind::Name, "a");
  EXPECT_TRUE(sent.empty());
  goOn(1);
  const auto b = watch(Endpoints, endpoints, Watch::Kind::Name, "b");
  goOn();
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "0");
  EXPECT_EQ(names(request<DeltaRequest>().resource_names_subscribe()), (Strings{"a", "b"}));
  EXPECT_TRUE(sent.empty());
}

TEST_F(Parts, ARefusalInOnePartIsOneOfTheResponse) {
  followClusters(true);
  probe.bad = {"c1001", "c1300"};
  say(delta(Cluster, "0", many()));
  goOn();
  const auto nack = request<DeltaRequest>();
  EXPECT_EQ(nack.error_detail().message(),
            "Error adding/updating cluster(s) c1001: it is bad\nc1300: it is bad");
  EXPECT_EQ(stat("w.update_success"), 0u);
  EXPECT_EQ(stat("w.update_rejected"), 1u);
  EXPECT_EQ(source->of(Cluster).held().at("c1001")->reason, "it is bad");
  EXPECT_EQ(source->of(Cluster).held().at("c1300")->reason, "it is bad");
  EXPECT_EQ(source->of(Cluster).current("c1001"), nullptr);
  EXPECT_NE(source->of(Cluster).current("c1002"), nullptr);
  EXPECT_EQ(source->of(Cluster).version(), "");
}

TEST_F(Parts, TheEndIsToldAlsoWhereTheLastPartIsNoNews) {
  struct Last final : Watcher {
    void onUpdate(const Update& update, std::vector<Refusal>&) override { more = update.more; }
    void onFetchTimeout() override {}
    bool more = false;
  } last;
  make(true);
  const Watch::Wish wish{
      Watch::Kind::All, {}, std::chrono::seconds(15), StatScope(stats).scope("w")};
  const Watch every(source->of(Cluster), loop, wish, last);
  connect();
  Strings old = many();
  old.erase(old.begin(), old.begin() + 500);
  say(delta(Cluster, "0", old));
  EXPECT_FALSE(last.more);
  say(delta(Cluster, "1", many()));
  EXPECT_TRUE(last.more);
  goOn();
  EXPECT_FALSE(last.more);
  EXPECT_EQ(stat("w.update_success"), 2u);
}

TEST_F(Parts, TheNextResponseWaitsForTheLastPart) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  say(delta(Cluster, "1", {"new"}, {"c1599"}));
  EXPECT_TRUE(sent.empty());
  goOn();
  EXPECT_EQ(told(), kMany + 2);
  EXPECT_EQ(probe.told[kMany - 1], "+c1599@1");
  EXPECT_EQ(probe.told[kMany], "+new@1");
  EXPECT_EQ(probe.told[kMany + 1], "-c1599");
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "0");
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "1");
}

TEST_F(Parts, WhoeverSendsFasterThanTheyAreAppliedHasToWait) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  for (int i = 1; i < 100; ++i) say(delta(Cluster, std::to_string(i), {"new"}, {}, "2"));
  EXPECT_GE(told(), kMany);
  EXPECT_GT(sent.size(), 50u);
  goOn();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(request<DeltaRequest>().response_nonce(), std::to_string(i));
  }
}

TEST_F(Parts, AStreamThatEndsMeanwhileTakesNothingBack) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  breakStream();
  EXPECT_EQ(told(), kMany);
  EXPECT_TRUE(sent.empty());
  pass(std::chrono::seconds(60));
  const auto first = request<DeltaRequest>();
  EXPECT_EQ(first.initial_resource_versions().size(), kMany);
  EXPECT_EQ(first.response_nonce(), "");
  goOn();
  EXPECT_TRUE(sent.empty());
}

TEST_F(Parts, WhoEndsMeanwhileLeavesNothingBehind) {
  followClusters(true);
  say(delta(Cluster, "0", many()));
  const size_t before = told();
  {
    const net::Loop::Turn turn(loop);
    all.reset();
    source.reset();
  }
  goOn();
  EXPECT_EQ(told(), before);
}

TEST_F(Parts, WhatTheStateOfTheWorldLeavesOutGoesWithTheLast) {
  followClusters(false);
  say(sotw(Cluster, "1", "a", {cluster("old")}));
  probe.take();
  std::vector<google::protobuf::Any> now;
  for (const std::string& name : many()) now.push_back(cluster(name));
  say(sotw(Cluster, "2", "b", now));
  EXPECT_NE(source->of(Cluster).current("old"), nullptr);
  EXPECT_EQ(source->of(Cluster).version(), "1");
  goOn();
  EXPECT_EQ(told(), kMany + 1);
  EXPECT_EQ(probe.told.back(), "-old");
  EXPECT_EQ(source->of(Cluster).version(), "2");
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "a");
  EXPECT_EQ(request<SotwRequest>().response_nonce(), "b");
  EXPECT_TRUE(sent.empty());
}

// What is built of all of them would be built once for each part.
TEST_F(Parts, WhoWantsAPrefixGetsAllInOnePiece) {
  make(true);
  const auto hosts = watch(VirtualHost, probe, Watch::Kind::Prefix, "r/");
  connect();
  sent.clear();
  say(delta(VirtualHost, "0", many("r/")));
  EXPECT_EQ(told(), kMany);
  EXPECT_EQ(request<DeltaRequest>().response_nonce(), "0");
}

}  // namespace
}  // namespace weir::xds
