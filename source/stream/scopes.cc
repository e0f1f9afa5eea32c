#include "source/stream/scopes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::stream {
namespace {

using Proto = envoy::extensions::filters::network::http_connection_manager::v3::ScopedRoutes;

// Two scopes with one key would take each other's requests.
void readList(const Proto& proto, ScopesSpec& spec, const HcmPlan& plan, const Where& at,
              const BuildContext& context) {
  const auto& list = proto.scoped_route_configurations_list().scoped_route_configurations();
  const Where here =
      at.field("scoped_route_configurations_list").field("scoped_route_configurations");
  if (list.empty()) here.error("expected at least one scope");
  std::map<std::string, std::string> names;  // by key
  for (int i = 0; i < list.size(); ++i) {
    const Where place = here.index(static_cast<size_t>(i));
    const auto scope = readScope(list.Get(i), plan, place, context, true);
    if (!scope) continue;
    const auto same = [&](const auto& each) { return each.second == scope->name; };
    if (std::any_of(names.begin(), names.end(), same)) {
      place.field("name").error("a scope named '" + scope->name + "' stands above already");
    }
    const auto [at_key, is_new] = names.emplace(scope->key, scope->name);
    if (!is_new) place.field("key").error("scope '" + at_key->second + "' has this key, too");
    if (!scope->routes.empty() && !spec.routes) {
      place.field("route_configuration_name")
          .error("there is no rds_config_source to ask for these routes");
    }
    spec.list.push_back(list.Get(i));
  }
}

void readSource(const Proto& proto, ScopesSpec& spec, const Where& at,
                const BuildContext& context) {
  const Where here = at.field("scoped_rds");
  if (!proto.scoped_rds().srds_resources_locator().empty()) {
    return here.field("srds_resources_locator").error("xdstp names are not supported");
  }
  spec.scopes = proto.scoped_rds().scoped_rds_config_source();
  context.check_source(*spec.scopes, Fetched::Scopes, here.field("scoped_rds_config_source"));
}

}  // namespace

std::optional<Scope> readScope(const ScopedRouteConfiguration& proto, const HcmPlan& base,
                               const Where& at, const BuildContext& context, bool validates) {
  const size_t errors_before = at.report().errors();
  Scope scope;
  scope.name = proto.name();
  if (scope.name.empty()) at.field("name").error("expected a name, found nothing");
  if (auto key = readScopeKey(proto.key(), at.field("key"))) scope.key = *std::move(key);
  scope.routes = proto.route_configuration_name();
  if (proto.has_route_configuration() == !scope.routes.empty()) {
    at.error("expected either route_configuration_name or route_configuration");
  } else if (proto.has_route_configuration()) {
    const Where routes = at.field("route_configuration");
    scope.plan = withRoutes(base, proto.route_configuration(), routes, context, validates);
  }
  if (at.report().errors() != errors_before) return std::nullopt;
  return scope;
}

std::shared_ptr<const HcmPlan> withScopes(
    const HcmPlan& base, std::unordered_map<std::string, std::shared_ptr<const HcmPlan>> by_key) {
  auto next = std::make_shared<HcmPlan>(base);
  for (const auto& [key, plan] : by_key) {
    const auto own = plan->background.begin() + static_cast<ptrdiff_t>(plan->own_background);
    next->background.insert(next->background.end(), own, plan->background.end());
  }
  next->scopes = std::make_shared<const Scopes>(Scopes{base.scoped->key, std::move(by_key)});
  return next;
}

void readScopes(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                const BuildContext& context) {
  const Proto& scoped = proto.scoped_routes();
  const Where here = at.field("scoped_routes");
  if (!context.check_source) return here.error("there is nothing to ask for routes here");
  auto spec = std::make_shared<ScopesSpec>();
  spec->name = scoped.name();
  if (spec->name.empty()) here.field("name").error("expected a name, found nothing");
  spec->key = ScopeKeyBuilder::from(scoped.scope_key_builder(), here.field("scope_key_builder"));
  if (scoped.has_rds_config_source()) {
    spec->routes = scoped.rds_config_source();
    context.check_source(*spec->routes, Fetched::Routes, here.field("rds_config_source"));
  }
  if (scoped.has_scoped_rds()) {
    readSource(scoped, *spec, here, context);
  } else if (scoped.has_scoped_route_configurations_list()) {
    readList(scoped, *spec, plan, here, context);
  } else {
    here.error("expected scoped_rds or scoped_route_configurations_list: the scopes");
  }
  plan.scoped = std::move(spec);
}

}  // namespace weir::stream
