// Scopes are the routes that an HttpConnectionManager chooses between before it looks for a route:
// for each scope a plan that is the manager's but for its routes. Immutable; shared by all workers.
// ScopesSpec is what the configuration says of them, Scope is one of them while it is read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "envoy/config/core/v3/config_source.pb.h"
#include "envoy/config/route/v3/scoped_route.pb.h"
#include "source/stream/hcm_builder.h"
#include "source/stream/scope_key.h"

namespace weir::stream {

using ScopedRouteConfiguration = envoy::config::route::v3::ScopedRouteConfiguration;

struct ScopesSpec {
  using ConfigSource = envoy::config::core::v3::ConfigSource;

  std::string name;
  ScopeKeyBuilder key;
  std::optional<ConfigSource> routes;          // where scopes have those from that they name
  std::optional<ConfigSource> scopes;          // nothing: they are `list`
  std::vector<ScopedRouteConfiguration> list;  // checked
};

struct Scopes {
  // Null: the request belongs to none.
  const HcmPlan* find(const RequestHead& head) const {
    const auto wanted = key.keyOf(head);
    if (!wanted) return nullptr;
    const auto found = by_key.find(*wanted);
    return found == by_key.end() ? nullptr : found->second.get();
  }

  ScopeKeyBuilder key;
  std::unordered_map<std::string, std::shared_ptr<const HcmPlan>> by_key;
};

struct Scope {
  std::string name, key;
  std::string routes;                   // their name; empty: they are in `plan`
  std::shared_ptr<const HcmPlan> plan;  // null: they are to be asked for
};

// Main thread. Nothing, and reported: it cannot be used. `base` is the plan of the manager, without
// scopes; `validates`: what an unset validate_clusters means.
std::optional<Scope> readScope(const ScopedRouteConfiguration& proto, const HcmPlan& base,
                               const Where& at, const BuildContext& context, bool validates);

// The same plan with other scopes.
std::shared_ptr<const HcmPlan> withScopes(
    const HcmPlan& base, std::unordered_map<std::string, std::shared_ptr<const HcmPlan>> by_key);

// Behind everything else of the plan: sets plan.scoped.
void readScopes(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                const BuildContext& context);

}  // namespace weir::stream
