// What two origins say, as one source: when it is told, and what becomes of what is gone.
#include "source/consul/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

#include "source/net/still_clock.h"
#include "source/telemetry/stat_store.h"
#include "source/xds/scripted_messages.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using xds::Probe;
using xds::Refusal;
using xds::Watch;
using Origin = Resources::Origin;
using enum xds::ResourceType;

class ResourcesTest : public testing::Test {
 protected:
  static constexpr Origin kKeys = Origin::Keys, kCatalog = Origin::Catalog;

  ResourcesTest() {
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
    spdlog::set_pattern("%v");
  }
  ~ResourcesTest() override { spdlog::set_default_logger(before_); }

  void make() {
    resources.reset();
    resources = std::make_unique<Resources>(
        loop, Resources::Settings{
                  {{kKeys, {Cluster, Listener, Routes, Runtime}}, {kCatalog, {Cluster, Routes}}},
                  StatScope(stats).scope("consul")});
  }
  // Every type has its name in the same field.
  static xds::ResourcePtr resource(xds::ResourceType type, const std::string& name,
                                   const std::string& version) {
    auto made = std::make_shared<xds::Resource>();
    made->name = name;
    made->version = version;
    made->body = xds::cluster(name, version);
    made->body.set_type_url(std::string(xds::factsOf(type).url));
    return made;
  }
  // "a@7", or "!a" for what cannot be read.
  void say(Origin origin, xds::ResourceType type, const std::vector<std::string>& all) {
    net::Loop::Turn turn(loop);
    std::vector<xds::ResourcePtr> there;
    std::vector<Refusal> unreadable;
    for (const std::string& each : all) {
      const size_t at = each.find('@');
      if (each.front() == '!') {
        unreadable.push_back({each.substr(1), "it cannot be read"});
      } else {
        there.push_back(resource(type, each.substr(0, at), each.substr(at + 1)));
      }
    }
    resources->set(origin, type, std::move(there), std::move(unreadable));
  }
  void miss(Origin origin) {
    net::Loop::Turn turn(loop);
    resources->miss(origin);
  }
  std::unique_ptr<Watch> watch(xds::ResourceType type, Probe& probe,
                               Watch::Kind kind = Watch::Kind::All, std::string name = {}) {
    net::Loop::Turn turn(loop);
    return Watch::make(resources->of(type), loop,
                       {kind, std::move(name), 15s, StatScope(stats).scope("w")}, probe);
  }
  void pass(std::chrono::milliseconds time = net::TimerWheel::kTick) {
    clock.at += time;
    net::Loop::Turn turn(loop);
    loop.timers().advance(clock.at);
  }
  std::vector<std::string> told() {
    pass();
    return probe.take();
  }
  uint64_t stat(const std::string& name) const { return stats.value(name).value_or(4711); }

  std::ostringstream log;
  net::StillClock clock;
  net::Loop loop{&clock};
  StatStore stats;
  Probe probe;
  std::unique_ptr<Resources> resources;

 private:
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(ResourcesTest, NothingIsToldBeforeEachOriginHasSpoken) {
  make();
  const auto all = watch(Cluster, probe);
  say(kCatalog, Cluster, {"web@7"});
  EXPECT_THAT(told(), IsEmpty());
  say(kKeys, Cluster, {});
  EXPECT_THAT(told(), ElementsAre("+web@7"));
}

TEST_F(ResourcesTest, WhatIsSaidInOneTurnIsToldOnce) {
  make();
  const auto all = watch(Cluster, probe);
  say(kKeys, Cluster, {"a@7"});
  say(kCatalog, Cluster, {"b@8"});
  say(kCatalog, Cluster, {"c@9"});
  EXPECT_THAT(told(), ElementsAre("+a@7", "+c@9"));
  EXPECT_EQ(stat("w.update_attempt"), 1u);
  EXPECT_EQ(stat("w.update_success"), 1u);
  EXPECT_EQ(resources->of(Cluster).version(), "9");
}

TEST_F(ResourcesTest, EachOriginTakesAwayOnlyWhatIsItsOwn) {
  make();
  const auto all = watch(Cluster, probe);
  say(kKeys, Cluster, {"a@7"});
  say(kCatalog, Cluster, {"b@8", "c@8"});
  told();
  say(kCatalog, Cluster, {"c@10"});
  EXPECT_THAT(told(), ElementsAre("+c@10", "-b"));
  say(kKeys, Cluster, {});
  EXPECT_THAT(told(), ElementsAre("-a"));
}

TEST_F(ResourcesTest, TheSameAgainIsNoNews) {
  make();
  const auto all = watch(Listener, probe);
  const auto a = resource(Listener, "a", "7");
  for (int i = 0; i < 3; ++i) {
    net::Loop::Turn turn(loop);
    resources->set(kKeys, Listener, {a}, {{"b", "bad"}});
    told();
  }
  EXPECT_EQ(stat("w.update_attempt"), 1u);
}

TEST_F(ResourcesTest, OfTwoWithOneNameThatOfTheKeysStands) {
  make();
  const auto all = watch(Cluster, probe);
  say(kCatalog, Cluster, {"web@7", "other@7"});
  say(kKeys, Cluster, {"web@5"});
  EXPECT_THAT(told(), ElementsAre("+web@5", "+other@7"));
  EXPECT_EQ(resources->of(Cluster).held().at("web")->refused, nullptr);
  EXPECT_THAT(log.str(), HasSubstr("cluster 'web' is refused: that of the catalog is not used: "
                                   "the key/value store has one of this name"));
  EXPECT_EQ(stat("consul.resources_refused"), 1u);
  EXPECT_EQ(stat("w.update_rejected"), 0u) << "what stands is not refused";
  log.str("");
  say(kKeys, Cluster, {"web@6"});
  EXPECT_THAT(told(), ElementsAre("+web@6"));
  EXPECT_EQ(log.str(), "") << "it was said";
  say(kKeys, Cluster, {});
  EXPECT_THAT(told(), ElementsAre("+web@7"));
  EXPECT_EQ(stat("consul.resources_refused"), 0u);
}

TEST_F(ResourcesTest, WhatCannotBeReadStaysAsItWas) {
  make();
  const auto all = watch(Listener, probe);
  say(kKeys, Listener, {"a@7", "b@7"});
  told();
  say(kKeys, Listener, {"!a", "b@8", "!new"});
  EXPECT_THAT(told(), ElementsAre("+b@8"));
  EXPECT_EQ(resources->of(Listener).current("a")->version, "7");
  EXPECT_EQ(stat("w.update_rejected"), 1u);
  EXPECT_EQ(stat("consul.resources_refused"), 2u);
  EXPECT_THAT(log.str(), HasSubstr("consul: listener 'a' is refused: it cannot be read"));
  say(kKeys, Listener, {"b@8"});
  EXPECT_THAT(told(), ElementsAre("-a"));
}

TEST_F(ResourcesTest, WhatCannotBeReadIsNotReplacedByTheOther) {
  make();
  const auto all = watch(Cluster, probe);
  say(kKeys, Cluster, {"a@7", "b@7"});
  say(kCatalog, Cluster, {});
  told();
  say(kKeys, Cluster, {"!a", "b@8"});
  say(kCatalog, Cluster, {"a@9", "!b"});
  EXPECT_THAT(told(), ElementsAre("+b@8"));
  EXPECT_EQ(resources->of(Cluster).current("a")->version, "7");
  EXPECT_EQ(resources->of(Cluster).current("b")->version, "8");
  EXPECT_EQ(stat("consul.resources_refused"), 3u);
}

TEST_F(ResourcesTest, WhatAWatcherRefusesIsTold) {
  make();
  probe.bad = {"a"};
  const auto all = watch(Listener, probe);
  say(kKeys, Listener, {"a@7"});
  EXPECT_THAT(told(), ElementsAre("+a@7"));
  EXPECT_THAT(log.str(), HasSubstr("listener 'a' is refused: it is bad"));
  EXPECT_EQ(stat("consul.resources_refused"), 1u);
}

TEST_F(ResourcesTest, OfTypesThatNobodySpeaksOfThereIsNothing) {
  make();
  Probe secret;
  const auto all = watch(ScopedRoutes, probe);
  const auto one = watch(Secret, secret, Watch::Kind::Name, "tls");
  EXPECT_THAT(told(), ElementsAre("nothing"));
  EXPECT_THAT(secret.take(), ElementsAre("-tls"));
}

TEST_F(ResourcesTest, WhoAsksForWhatIsNotThereIsTold) {
  make();
  say(kKeys, Routes, {"a@7"});
  say(kCatalog, Routes, {});
  const auto b = watch(Routes, probe, Watch::Kind::Name, "b");
  EXPECT_THAT(told(), ElementsAre("-b"));
  EXPECT_TRUE(b->answered());
  say(kKeys, Routes, {"a@7", "b@8"});
  EXPECT_THAT(told(), ElementsAre("+b@8"));
}

TEST_F(ResourcesTest, WhoAsksLaterIsToldToo) {
  make();
  say(kKeys, Routes, {"a@7"});
  say(kCatalog, Routes, {"b@8"});
  pass();
  const auto b = watch(Routes, probe, Watch::Kind::Name, "b");
  EXPECT_THAT(told(), ElementsAre("+b@8"));
  const auto all = watch(Routes, probe);
  EXPECT_THAT(told(), ElementsAre("+a@7"));
}

// Of a control plane's answers it could not be seen that it is gone.
TEST_F(ResourcesTest, WhatIsGoneIsGoneForEveryType) {
  make();
  Probe routes;
  const auto layer = watch(Runtime, probe, Watch::Kind::Name, "base");
  const auto route = watch(Routes, routes, Watch::Kind::Name, "web");
  say(kKeys, Runtime, {"base@7"});
  say(kKeys, Routes, {"web@7"});
  say(kCatalog, Routes, {});
  EXPECT_THAT(told(), ElementsAre("+base@7"));
  EXPECT_THAT(routes.take(), ElementsAre("+web@7"));
  say(kKeys, Runtime, {});
  say(kKeys, Routes, {});
  EXPECT_THAT(told(), ElementsAre("-base"));
  EXPECT_THAT(routes.take(), IsEmpty()) << "routes are used on, as those of a control plane";
  EXPECT_TRUE(resources->of(Routes).held().at("web")->removed);
}

TEST_F(ResourcesTest, ManyComeInPartsAndWhatChangesMeanwhileComesAfterwards) {
  make();
  Probe listeners;
  const auto all = watch(Cluster, probe);
  const auto other = watch(Listener, listeners);
  std::vector<std::string> many;
  for (int i = 0; i < 600; ++i) many.push_back("c" + std::to_string(i) + "@7");
  say(kKeys, Cluster, many);
  say(kKeys, Listener, {"web@7"});
  say(kCatalog, Cluster, {});
  EXPECT_THAT(told(), SizeIs(Resources::kAtOnce));
  EXPECT_THAT(listeners.take(), IsEmpty()) << "clusters come before";
  say(kKeys, Cluster, {"c0@7"});
  EXPECT_THAT(told(), SizeIs(Resources::kAtOnce));
  EXPECT_THAT(told(), SizeIs(100));
  EXPECT_THAT(listeners.take(), ElementsAre("+web@7"));
  EXPECT_THAT(told(), SizeIs(599));
}

TEST_F(ResourcesTest, AnOriginThatIsMissedTakesNothingAway) {
  make();
  const auto all = watch(Cluster, probe);
  Probe route;
  const auto web = watch(Routes, route, Watch::Kind::Name, "web");
  say(kCatalog, Cluster, {"a@7"});
  say(kCatalog, Routes, {});
  EXPECT_THAT(told(), IsEmpty());
  miss(kKeys);
  EXPECT_THAT(told(), ElementsAre("+a@7"));
  EXPECT_TRUE(all->answered());
  EXPECT_FALSE(web->answered()) << "it may be among the keys";
  say(kKeys, Cluster, {"b@8"});
  say(kKeys, Routes, {});
  EXPECT_THAT(told(), ElementsAre("+b@8"));
  EXPECT_THAT(route.take(), ElementsAre("-web"));
}

}  // namespace
}  // namespace weir::consul
