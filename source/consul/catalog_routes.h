// What services ask for by their instances' tags and meta, and the route configuration that comes
// of it. Pure.
//
//   weir.route.prefix=/orders   this path and all below it; none: "/", where a host is asked for
//   weir.route.host=a.com       a domain; none: "*"
//
// Several of each mean every prefix on every host. The keys of Consul's meta have no dots: there
// they are weir-route-prefix and weir-route-host. An instance of which anything cannot be read asks
// for nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/route/v3/route.pb.h"
#include "source/consul/instance.h"

namespace weir::consul {

struct Wishes {
  struct Route {
    std::string host;    // lower case
    std::string prefix;  // ends with a slash only if it is one
    auto operator<=>(const Route&) const = default;
  };

  std::set<Route> routes;
  std::set<std::string> refused;  // what cannot be read, and why
  bool operator==(const Wishes&) const = default;
};

Wishes wishesOf(const std::vector<Instance>& instances);

struct ServiceWishes {
  std::string service, cluster;
  Wishes wishes;
};

struct MergedRoutes {
  envoy::config::route::v3::RouteConfiguration config;
  std::set<std::string> clusters;  // that the services' routes name
  std::set<std::string> problems;  // one line for each wish that is not granted
};

// `base` may be null. It stands: its routes keep their order and go first, but that a service's
// route goes before the first one that would take all its requests away. Among services the longest
// prefix goes first, and nobody gets what two ask for.
MergedRoutes mergeRoutes(const std::string& name,
                         const envoy::config::route::v3::RouteConfiguration* base,
                         const std::vector<const ServiceWishes*>& services);

}  // namespace weir::consul
