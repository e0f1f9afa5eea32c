// What instances ask for, and what comes of it beside a base.
#include "source/consul/catalog_routes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace weir::consul {
namespace {

using envoy::config::route::v3::RouteConfiguration;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Tags = std::vector<std::string>;
using Meta = std::vector<std::pair<std::string, std::string>>;

Instance instance(Tags tags, Meta meta = {}) {
  Instance made;
  made.tags = std::move(tags);
  made.meta = std::move(meta);
  return made;
}
// "host/prefix host/prefix", and what is refused behind a "!".
std::string wishes(const std::vector<Instance>& instances) {
  const Wishes all = wishesOf(instances);
  std::string text;
  for (const auto& [host, prefix] : all.routes) text += (text.empty() ? "" : " ") + host + prefix;
  for (const std::string& line : all.refused) text += "!" + line;
  return text;
}
ServiceWishes service(const std::string& name, const std::set<Wishes::Route>& routes) {
  return {name, name + "-cluster", {routes, {}}};
}
// "name[domains]: prefix=cluster" of each virtual host and route; a clusterless one is the base's.
std::vector<std::string> hostsOf(const RouteConfiguration& config) {
  std::vector<std::string> hosts;
  for (const auto& host : config.virtual_hosts()) {
    std::string text = host.name() + "[";
    for (const std::string& domain : host.domains()) text += domain + " ";
    text.back() = ']';
    for (const auto& route : host.routes()) {
      text += " " + route.match().prefix() + route.match().path() +
              route.match().path_separated_prefix() +
              (route.has_route() ? "=" + route.route().cluster() : "");
    }
    hosts.push_back(text);
  }
  return hosts;
}
MergedRoutes merge(const std::vector<ServiceWishes>& services, const std::string& base = "") {
  RouteConfiguration parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(base, &parsed)) << base;
  std::vector<const ServiceWishes*> all;
  for (const ServiceWishes& each : services) all.push_back(&each);
  return mergeRoutes("r", base.empty() ? nullptr : &parsed, all);
}

TEST(WishesOf, TagsAndMetaAreOne) {
  EXPECT_EQ(wishes({instance({"v1", "weir.enable=true"}, {{"version", "2"}})}), "");
  EXPECT_EQ(wishes({instance({"weir.route.prefix=/a"})}), "*/a");
  EXPECT_EQ(wishes({instance({"weir.route.host=A.com"})}), "a.com/");
  EXPECT_EQ(wishes({instance({}, {{"weir-route-prefix", "/a"}, {"weir-route-host", "a.com"}})}),
            "a.com/a");
  EXPECT_EQ(wishes({instance({"weir.route.prefix=/a", "weir.route.prefix=/b",
                              "weir.route.host=a.com", "weir.route.host=*.b.com"},
                             {{"weir-route-prefix", "/c=d"}})}),
            "*.b.com/a *.b.com/b *.b.com/c=d a.com/a a.com/b a.com/c=d");
}

TEST(WishesOf, EachInstanceAsksForItself) {
  EXPECT_EQ(wishes({instance({"weir.route.prefix=/a", "weir.route.host=a.com"}),
                    instance({"weir.route.prefix=/b"}), instance({"weir.route.prefix=/b/"})}),
            "*/b a.com/a");
}

TEST(WishesOf, WhatCannotBeReadIsRefusedWithAllThatTheInstanceAsksFor) {
  const auto prefix = [](const std::string& value) {
    return wishes({instance({"weir.route.prefix=" + value, "weir.route.prefix=/fine"})});
  };
  EXPECT_EQ(prefix("orders"),
            "!weir.route.prefix 'orders': expected a path that begins with a slash");
  for (const char* value : {"", "/a b", "/\xc3\xa4", "/a?b", "/a#b", "/a*", "//", "/a//b"}) {
    EXPECT_THAT(prefix(value), testing::StartsWith("!weir.route.prefix '")) << value;
  }
  const auto host = [](const std::string& value) {
    return wishes({instance({"weir.route.host=" + value, "weir.route.prefix=/fine"})});
  };
  for (const char* value : {"", "a b", "a/b", ".a", "a.", "a..b", "*a", "*.", "a.*.b", "**",
                            "a:", "a:b", "a:123456", "http://a.com", "[::1]", ".*"}) {
    EXPECT_THAT(host(value), testing::StartsWith("!weir.route.host '")) << value;
  }
  for (const char* value : {"*", "a", "a_b.c-d.com:8080", "*.a", "*-x.a.com", "a.*", "10.0.0.1"}) {
    EXPECT_EQ(host(value), std::string(value) + "/fine");
  }
  EXPECT_EQ(wishes({instance({"weir.route.strip_prefix=true", "weir.route.prefix=/a"}),
                    instance({"weir.route.prefix=/b"})}),
            "*/b!weir.route.'strip_prefix': expected prefix or host");
  EXPECT_EQ(wishes({instance({"weir.route.prefix"})}),
            "!weir.route.prefix '': expected a path that begins with a slash");
  EXPECT_THAT(prefix("a\nb"), HasSubstr("'a?b'")) << "one line of the log";
}

TEST(MergeRoutes, AHostIsAVirtualHostAndTheLongestPrefixIsFirst) {
  const MergedRoutes merged = merge({service("a", {{"*", "/"}, {"*", "/aa"}, {"a.com", "/x"}}),
                                     service("b", {{"*", "/b"}, {"*", "/aa/b"}, {"*", "/a"}})});
  EXPECT_EQ(merged.config.name(), "r");
  EXPECT_THAT(hostsOf(merged.config),
              ElementsAre("consul/*[*] /aa/b=b-cluster /aa=a-cluster /a=b-cluster /b=b-cluster "
                          "/=a-cluster",
                          "consul/a.com[a.com] /x=a-cluster"));
  EXPECT_THAT(merged.clusters, ElementsAre("a-cluster", "b-cluster"));
  EXPECT_THAT(merged.problems, IsEmpty());
  const auto& routes = merged.config.virtual_hosts(0).routes();
  EXPECT_EQ(routes[0].match().path_separated_prefix(), "/aa/b");
  EXPECT_EQ(routes[0].name(), "b") << "for the access log";
  EXPECT_EQ(routes[4].match().prefix(), "/");
}

TEST(MergeRoutes, WhatTwoAskForNobodyGets) {
  const MergedRoutes merged =
      merge({service("a", {{"*", "/x"}}), service("b", {{"*", "/x"}, {"*", "/b"}}),
             service("c", {{"c.com", "/x"}}), service("d", {{"*", "/x"}})});
  EXPECT_THAT(hostsOf(merged.config),
              ElementsAre("consul/*[*] /b=b-cluster", "consul/c.com[c.com] /x=c-cluster"));
  EXPECT_THAT(merged.problems, ElementsAre("route */x: services 'a', 'b', 'd' ask for it, so none "
                                           "of them gets it"));
  EXPECT_THAT(merged.clusters, ElementsAre("b-cluster", "c-cluster"));
}

TEST(MergeRoutes, WhatIsRefusedIsNamed) {
  ServiceWishes bad = service("a", {{"*", "/x"}});
  bad.wishes.refused.insert("weir.route.host '?': why");
  EXPECT_THAT(merge({bad}).problems, ElementsAre("service 'a': weir.route.host '?': why"));
}

TEST(MergeRoutes, TheBaseStands) {
  const std::string base = R"(
    name: "kv" internal_only_headers: "x"
    virtual_hosts { name: "v" domains: "A.com" routes { match { path: "/y" } }
                    routes { match { prefix: "/x" } } routes { match { prefix: "" } } }
    virtual_hosts { name: "w" domains: "*" })";
  const MergedRoutes merged =
      merge({service("a", {{"a.com", "/x"}, {"a.com", "/"}, {"a.com", "/x/1"}, {"a.com", "/z"}}),
             service("b", {{"*", "/b"}})},
            base);
  EXPECT_EQ(merged.config.name(), "r");
  EXPECT_EQ(merged.config.internal_only_headers_size(), 1);
  EXPECT_THAT(hostsOf(merged.config),
              ElementsAre("v[A.com] /y /x/1=a-cluster /x /z=a-cluster ", "w[*] /b=b-cluster"));
  EXPECT_THAT(merged.problems,
              ElementsAre("route a.com/: service 'a' asks for it, but the route configuration has "
                          "it already",
                          "route a.com/x: service 'a' asks for it, but the route configuration "
                          "has it already"));
}

// It is the operator's, who may have put a canary there.
TEST(MergeRoutes, RoutesOfTheBaseGoFirstUnlessTheyTakeEverything) {
  const auto merged = [](const std::string& match) {
    return hostsOf(
               merge({service("a", {{"*", "/a/b"}})},
                     "virtual_hosts { name: 'v' domains: '*' routes { match { " + match + " } } }")
                   .config)
        .front();
  };
  EXPECT_EQ(merged("prefix: '/a' headers { name: 'canary' }"), "v[*] /a /a/b=a-cluster");
  EXPECT_EQ(merged("prefix: '/a/b' headers { name: 'canary' }"), "v[*] /a/b /a/b=a-cluster");
  EXPECT_EQ(merged("prefix: '/a'"), "v[*] /a/b=a-cluster /a");
  EXPECT_EQ(merged("prefix: '/A'"), "v[*] /A /a/b=a-cluster");
  EXPECT_EQ(merged("prefix: '/A' case_sensitive { value: false }"), "v[*] /a/b=a-cluster /A");
  EXPECT_EQ(merged("path_separated_prefix: '/a'"), "v[*] /a/b=a-cluster /a");
  EXPECT_EQ(merged("path_separated_prefix: '/a/'"), "v[*] /a/ /a/b=a-cluster");
  EXPECT_EQ(merged("prefix: '/a/b/c'"), "v[*] /a/b/c /a/b=a-cluster");
  EXPECT_EQ(merged("path_separated_prefix: '/a/b'"), "v[*] /a/b");
  EXPECT_EQ(merged("path: '/a/b'"), "v[*] /a/b /a/b=a-cluster");
}

TEST(MergeRoutes, AnotherDomainOfTheBaseIsNotTouched) {
  const std::string base = R"(virtual_hosts { name: "v" domains: ["b.com", "A.com", "c.com"]
                                              require_tls: ALL routes { match { prefix: "/" } } })";
  const MergedRoutes merged = merge({service("a", {{"a.com", "/a"}})}, base);
  EXPECT_THAT(hostsOf(merged.config),
              ElementsAre("v[b.com c.com] /", "consul/a.com[a.com] /a=a-cluster /"));
  EXPECT_EQ(merged.config.virtual_hosts(1).require_tls(),
            envoy::config::route::v3::VirtualHost::ALL);
  EXPECT_THAT(hostsOf(merge({service("a", {{"a.com", "/"}})}, base).config),
              ElementsAre("v[b.com A.com c.com] /"))
      << "nothing is granted";
}

TEST(MergeRoutes, NothingIsARouteConfigurationToo) {
  const MergedRoutes merged = merge({});
  EXPECT_EQ(merged.config.name(), "r");
  EXPECT_EQ(merged.config.virtual_hosts_size(), 0);
}

}  // namespace
}  // namespace weir::consul
