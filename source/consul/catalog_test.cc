// What becomes of the services that Consul knows, in virtual time.
#include "source/consul/catalog.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include "source/consul/scripted_agent.h"

namespace weir::consul {
namespace {

using namespace std::chrono_literals;
using envoy::config::route::v3::RouteConfiguration;
using testing::ElementsAre;
using testing::IsEmpty;
using xds::ResourceType;

std::string tagged(const std::string& tags) {
  return R"([{"Node":{},"Service":{"ID":"x","Address":"10.0.0.1","Port":80,"Tags":[)" + tags +
         R"(]},"Checks":[{"CheckID":"c","Status":"critical"}]}])";
}

class CatalogTest : public ScriptedAgent {
 protected:
  void SetUp() override {
    settings.cluster_name = "%SERVICE%";
    settings.at_once = true;
  }
  void start(AgentSettings of = {}) {
    make(std::move(of));
    net::Loop::Turn turn(loop);
    watches.emplace(*agent);
    Catalog::User user;
    user.tell = [this](ResourceType type, const auto& resources) {
      std::string names;
      for (const auto& each : resources) names += " " + each->name;
      told.push_back((type == ResourceType::Cluster ? "clusters:" : "routes:") + names);
      (type == ResourceType::Cluster ? clusters : routes) = resources;
    };
    user.miss = [this] { told.emplace_back("nobody answers"); };
    catalog.emplace(*watches, settings, std::move(user));
    catalog->start();
  }
  void startWithRoutes() {
    settings.route_config_name = "r";
    start();
  }
  bool use(const std::string& cluster) {
    net::Loop::Turn turn(loop);
    return catalog->use(cluster);
  }
  void setBase(const std::string& base) {
    RouteConfiguration parsed;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(base, &parsed)) << base;
    net::Loop::Turn turn(loop);
    catalog->setBase(parsed);
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }
  // "host/prefix=cluster …" of the routes that were told last.
  std::string routeText() const {
    RouteConfiguration config;
    if (routes.empty() || !config.ParseFromString(routes[0]->body.value())) return "none";
    std::string text;
    for (const auto& host : config.virtual_hosts()) {
      for (const auto& route : host.routes()) {
        text += (text.empty() ? "" : " ") + host.domains(0) + route.match().prefix() +
                route.match().path_separated_prefix() + "=" + route.route().cluster();
      }
    }
    return text;
  }

  CatalogSettings settings;
  std::optional<ServiceWatches> watches;
  std::optional<Catalog> catalog;
  std::vector<std::string> told;
  std::vector<xds::ResourcePtr> clusters, routes;
};

TEST_F(CatalogTest, AServiceIsAClusterAndGoesWithIt) {
  services["services"].body = R"({"consul":[],"web":["a"],"api":null})";
  start();
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_FALSE(catalog->known());
  pass(10ms);
  EXPECT_TRUE(catalog->known());
  EXPECT_THAT(take(), ElementsAre("clusters: api web"));
  const xds::ResourcePtr web = clusters[1];
  pass(1s);
  change("services", R"({"consul":[],"web":["b"],"new":[]})");
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("clusters: new web"));
  EXPECT_EQ(clusters[1], web) << "it is not made again";
  EXPECT_EQ(stat("consul.catalog_services"), 2u);
  EXPECT_EQ(stat("consul.watches"), 1u) << "no routes, no questions for them";
}

TEST_F(CatalogTest, AClusterIsTheBaseWithItsService) {
  settings.cluster_name = "consul/%SERVICE%";
  settings.cluster.mutable_connect_timeout()->set_seconds(7);
  settings.instances.set_near("_agent");
  services["services"].body = R"({"web":[]})";
  start();
  pass(10ms);
  ASSERT_THAT(take(), ElementsAre("clusters: consul/web"));
  envoy::config::cluster::v3::Cluster cluster;
  ASSERT_TRUE(clusters[0]->body.UnpackTo(&cluster));
  EXPECT_EQ(cluster.name(), "consul/web");
  EXPECT_EQ(cluster.connect_timeout().seconds(), 7);
  EXPECT_EQ(cluster.cluster_type().name(), "weir.clusters.consul");
  v1::ConsulCluster instances;
  ASSERT_TRUE(cluster.cluster_type().typed_config().UnpackTo(&instances));
  EXPECT_EQ(instances.service(), "web");
  EXPECT_EQ(instances.near(), "_agent");
  EXPECT_EQ(xds::findType(clusters[0]->body.type_url())->type, ResourceType::Cluster);
  EXPECT_FALSE(clusters[0]->version.empty());
}

TEST_F(CatalogTest, ATagEnables) {
  settings.enable_tag = "weir.enable=true";
  services["services"].body =
      R"({"consul":["weir.enable=true"],"web":["v1","weir.enable=true"],"api":["weir.enable"]})";
  start();
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("clusters: consul web"));
  change("services", R"({"web":["v1"],"api":["weir.enable=true"]})");
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("clusters: api"));
}

TEST_F(CatalogTest, TheServicesAreThoseOfItsDatacenter) {
  AgentSettings of;
  of.datacenter = "d1";
  settings.datacenter = "d2";
  start(of);
  ASSERT_EQ(open.size(), 1u);
  EXPECT_EQ(open.front()->request.path, "/v1/catalog/services?dc=d2");
}

TEST_F(CatalogTest, OnlyWhatIsUsedIsToldAtFirstUse) {
  settings.at_once = false;
  services["services"].body = R"({"web":[],"api":[],"other":[]})";
  start();
  EXPECT_FALSE(use("web")) << "nobody knows yet";
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("clusters:"));
  EXPECT_TRUE(use("web"));
  EXPECT_THAT(take(), ElementsAre("clusters: web"));
  EXPECT_TRUE(use("web"));
  EXPECT_FALSE(use("nobody"));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(use("api"));
  EXPECT_THAT(take(), ElementsAre("clusters: api web"));
  change("services", R"({"web":[],"api":[]})");
  pass(1s);
  EXPECT_THAT(take(), IsEmpty()) << "nobody used it";
  change("services", R"({"api":[]})");
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("clusters: api"));
  EXPECT_FALSE(use("web"));
}

TEST_F(CatalogTest, WhatConsulSaidLastHolds) {
  services["services"].body = R"({"web":[]})";
  start();
  pass(10ms);
  take();
  failConnections();
  pass(10min);
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(use("web"));
}

TEST_F(CatalogTest, WhatIsNoListOfServicesChangesNothing) {
  services["services"].body = R"({"web":[]})";
  start();
  pass(1s);
  take();
  for (const char* body : {"[]]", "[1]", R"({"web":1})", R"({"web":["a",2]})"}) {
    change("services", body);
    pass(2s);
    ASSERT_TRUE(catalog->watch().trouble()) << body;
    EXPECT_EQ(catalog->watch().trouble()->reason, Reason::BadAnswer);
  }
  EXPECT_EQ(catalog->watch().trouble()->detail, "[\"web\"][1]: expected a string");
  EXPECT_THAT(take(), IsEmpty());
  change("services", R"({"api":[]})");
  pass(30s);
  EXPECT_THAT(take(), ElementsAre("clusters: api"));
}

TEST_F(CatalogTest, RoutesComeAfterTheClustersThatTheyName) {
  settings.at_once = false;
  services["services"].body = R"({"web":[],"api":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  startWithRoutes();
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("clusters:", "clusters: web", "routes: r"));
  EXPECT_EQ(routeText(), "*/web=web") << "whatever its instances' health";
  change("api", tagged(R"("weir.route.prefix=/api")"));
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("clusters: api web", "routes: r"));
  EXPECT_EQ(routeText(), "*/api=api */web=web");
  EXPECT_EQ(xds::findType(routes[0]->body.type_url())->type, ResourceType::Routes);
}

TEST_F(CatalogTest, RoutesGoBeforeTheirClusters) {
  services["services"].body = R"({"web":[],"api":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  startWithRoutes();
  pass(1s);
  take();
  change("services", R"({"api":[]})");
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("routes: r", "clusters: api"));
  EXPECT_EQ(routeText(), "");
  EXPECT_EQ(stat("consul.watches"), 2u);
}

// Or listeners would begin with some of the routes, and clients would be told that there are none.
TEST_F(CatalogTest, TheFirstRoutesWaitForAllInstances) {
  services["services"].body = R"({"web":[],"api":[],"bad":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  services["api"].body = tagged(R"("weir.route.prefix=/api")");
  services["bad"].body = "no JSON";
  delay = 300ms;
  startWithRoutes();
  pass(400ms);
  EXPECT_THAT(take(), ElementsAre("clusters: api bad web"));
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("routes: r")) << "once, without who cannot be read";
  EXPECT_EQ(routeText(), "*/api=api */web=web");
}

TEST_F(CatalogTest, NoRoutesAreToldWhileConsulIsAway) {
  services["services"].body = R"({"web":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  delay = 300ms;
  startWithRoutes();
  pass(400ms);
  failConnections();
  pass(1min);
  EXPECT_THAT(take(), ElementsAre("clusters: web"));
  faulty.reset();
  pass(1min);
  EXPECT_THAT(take(), ElementsAre("routes: r"));
  EXPECT_EQ(routeText(), "*/web=web");
}

TEST_F(CatalogTest, RoutesThatAreTheSameAreNotToldAgain) {
  services["services"].body = R"({"web":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  startWithRoutes();
  pass(1s);
  take();
  const xds::ResourcePtr before = routes[0];
  change("web", tagged(R"("weir.route.prefix=/web","v2")"));
  pass(1s);
  setBase("");
  pass(1s);
  EXPECT_THAT(take(), IsEmpty());
  change("web", tagged(R"("weir.route.prefix=/web2")"));
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("routes: r"));
  EXPECT_NE(routes[0]->version, before->version);
}

TEST_F(CatalogTest, ChangesThatComeTogetherAreToldTogether) {
  services["services"].body = R"({"one":[],"two":[],"six":[]})";
  startWithRoutes();
  pass(1s);
  take();
  change("one", tagged(R"("weir.route.prefix=/1")"));
  pass(10ms);
  EXPECT_THAT(take(), ElementsAre("routes: r")) << "the first at once";
  change("two", tagged(R"("weir.route.prefix=/2")"));
  pass(20ms);
  change("six", tagged(R"("weir.route.prefix=/6")"));
  pass(1s);
  EXPECT_THAT(take(), ElementsAre("routes: r"));
  EXPECT_EQ(routeText(), "*/1=one */2=two */6=six");
}

TEST_F(CatalogTest, ABaseIsMergedWheneverItComes) {
  services["services"].body = R"({"web":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/web")");
  const std::string base = R"(virtual_hosts { name: "v" domains: "*"
                              routes { match { prefix: "/" } route { cluster: "kv" } } })";
  startWithRoutes();
  setBase(base);
  pass(1s);
  EXPECT_EQ(routeText(), "*/web=web */=kv");
  setBase("");
  pass(1s);
  EXPECT_EQ(routeText(), "*/web=web");
  setBase(base);
  pass(1s);
  EXPECT_EQ(routeText(), "*/web=web */=kv");
}

TEST_F(CatalogTest, WhatIsNotGrantedIsSaidOnceAndWhenItIsOver) {
  services["services"].body = R"({"web":[],"api":[]})";
  services["web"].body = tagged(R"("weir.route.prefix=/x")");
  services["api"].body = tagged(R"("weir.route.prefix=/x")");
  startWithRoutes();
  pass(1s);
  change("api", tagged(R"("weir.route.prefix=/x","weir.route.prefix=/y")"));
  pass(1s);
  EXPECT_EQ(routeText(), "*/y=api");
  const std::string line = "route */x: services 'api', 'web' ask for it, so none of them gets it";
  EXPECT_THAT(lines, ElementsAre("bad: consul: catalog: " + line));
  EXPECT_EQ(stat("consul.catalog_routes_refused"), 1u);
  change("services", R"({"web":[]})");
  pass(1s);
  EXPECT_EQ(routeText(), "*/x=web");
  EXPECT_THAT(lines, ElementsAre("bad: consul: catalog: " + line,
                                 "good: consul: catalog: no longer: " + line));
  EXPECT_EQ(stat("consul.catalog_routes_refused"), 0u);
}

TEST_F(CatalogTest, InstancesAreAskedForAsTheClusterDoesWhateverTheirHealth) {
  settings.instances.add_tags("v1");
  settings.instances.set_datacenter("d2");
  services["services"].body = R"({"web":[]})";
  startWithRoutes();
  pass(10ms);
  const auto web = std::find_if(open.begin(), open.end(),
                                [](const Asked* each) { return each->name() == "web"; });
  ASSERT_NE(web, open.end());
  EXPECT_THAT((*web)->request.path, testing::StartsWith("/v1/health/service/web?tag=v1&dc=d2"));
}

TEST_F(CatalogTest, AskingEndsWithTheCatalog) {
  services["services"].body = R"({"web":[]})";
  startWithRoutes();
  pass(1s);
  EXPECT_EQ(open.size(), 2u);
  {
    net::Loop::Turn turn(loop);
    catalog.reset();
  }
  EXPECT_TRUE(open.empty());
}

}  // namespace
}  // namespace weir::consul
