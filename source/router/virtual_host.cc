#include "source/router/virtual_host.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;

// Of a route or a virtual host; the route's own setting comes first.
template <typename Proto>
BodyLimit bodyLimit(const Proto& proto, const BodyLimit& otherwise) {
  if (proto.has_request_body_buffer_limit()) {
    return {BodyLimit::Source::Exactly, proto.request_body_buffer_limit().value()};
  }
  if (proto.has_per_request_buffer_limit_bytes()) {
    return {BodyLimit::Source::AtMost, proto.per_request_buffer_limit_bytes().value()};
  }
  return otherwise;
}

void checkHostRest(const route::VirtualHost& proto, const FieldPath& path, Report& report) {
  if (proto.has_matcher()) report.refuse(path.at("matcher"));
  if (proto.has_cors()) {
    report.error(path.at("cors"),
                 "is deprecated and not supported: put an "
                 "envoy.extensions.filters.http.cors.v3.CorsPolicy into "
                 "typed_per_filter_config");
  }
  if (proto.virtual_clusters_size() != 0) report.notYet(path.at("virtual_clusters"));
  if (proto.rate_limits_size() != 0) report.notYet(path.at("rate_limits"));
  if (proto.has_hedge_policy()) report.notYet(path.at("hedge_policy"));
  if (proto.has_retry_policy_typed_config()) report.notYet(path.at("retry_policy_typed_config"));
  if (proto.request_mirror_policies_size() != 0) report.notYet(path.at("request_mirror_policies"));
}

void checkRouteRest(const route::Route& proto, const FieldPath& path, Report& report) {
  if (proto.has_decorator()) report.notYet(path.at("decorator"));
  if (proto.has_tracing()) report.notYet(path.at("tracing"));
  if (!proto.stat_prefix().empty()) report.notYet(path.at("stat_prefix"));
}

void readAction(const route::Route& proto, const std::shared_ptr<const RetryPolicy>& retry,
                const HostBuild& build, const FieldPath& path, Route& made, Report& report) {
  switch (proto.action_case()) {
    case route::Route::kRoute:
      made.action =
          ClusterAction::from(proto.route(), retry, build.check, path.at("route"), report);
      return;
    case route::Route::kRedirect:
      made.action = Redirect::from(proto.redirect(), path.at("redirect"), report);
      return;
    case route::Route::kDirectResponse:
      made.action = DirectResponse::from(proto.direct_response(), build.body_limit,
                                         path.at("direct_response"), report);
      return;
    case route::Route::kFilterAction:
      report.refuse(path.at("filter_action"));
      return;
    case route::Route::kNonForwardingAction:
      report.error(path.at("non_forwarding_action"), "is for servers, not for a proxy");
      return;
    case route::Route::ACTION_NOT_SET:
      break;
  }
  report.error(path, "one of route, redirect, direct_response is expected");
}

bool anyWeighted(const Route& made, bool request) {
  const ClusterAction* action = made.cluster();
  if (action == nullptr || action->weighted == nullptr) return false;
  for (const WeightedCluster& cluster : action->weighted->clusters) {
    if (request && (!cluster.headers.request.empty() || !cluster.host_rewrite.empty())) return true;
    if (!request && !cluster.headers.response.empty()) return true;
  }
  return false;
}

}  // namespace

void VirtualHost::read(const route::VirtualHost& proto, HostBuild& build, const FieldPath& path,
                       Report& report) {
  name = proto.name();
  if (name.empty()) report.error(path.at("name"), "is empty");
  require_tls = static_cast<RequireTls>(proto.require_tls());
  headers = HeaderLevel::from(proto, path, report);
  config = LevelConfig(proto.typed_per_filter_config(),
                       proto.has_metadata() ? &proto.metadata() : nullptr);
  ignore_path_parameters = build.ignore_path_parameters;
  count_attempts_in_request = proto.include_request_attempt_count();
  count_attempts_in_response = proto.include_attempt_count_in_response();
  mark_timeout_retries = proto.include_is_timeout_retry_header();
  body_limit = bodyLimit(proto, {});
  std::shared_ptr<const RetryPolicy> retry;
  if (proto.has_retry_policy()) {
    retry = RetryPolicy::from(proto.retry_policy(), path.at("retry_policy"), report);
  }
  checkHostRest(proto, path, report);
  routes.reserve(static_cast<size_t>(proto.routes_size()));
  for (int i = 0; i < proto.routes_size(); ++i) {
    addRoute(proto.routes(i), retry, build, path.at("routes", i), report);
  }
}

void VirtualHost::addRoute(const route::Route& proto,
                           const std::shared_ptr<const RetryPolicy>& retry, HostBuild& build,
                           const FieldPath& path, Report& report) {
  const auto order = static_cast<uint32_t>(routes.size());
  Route& made = routes.emplace_back();
  made.id = build.next_route_id++;
  made.order = order;
  made.name = proto.name();
  made.host = this;
  if (!proto.has_match()) {
    report.error(path.at("match"), "is missing");
    return;
  }
  made.match = RouteMatch::from(proto.match(), path.at("match"), report);
  readAction(proto, retry, build, path, made, report);
  made.headers = HeaderLevel::from(proto, path, report);
  made.config = LevelConfig(proto.typed_per_filter_config(),
                            proto.has_metadata() ? &proto.metadata() : nullptr);
  made.body_limit = bodyLimit(proto, body_limit);
  checkRouteRest(proto, path, report);

  const ClusterAction* action = made.cluster();
  const bool rewrites =
      action != nullptr && (!action->path_rewrite.empty() || !action->host_rewrite.empty());
  made.changes_request = rewrites || !made.headers.request.empty() || !headers.request.empty() ||
                         !table_headers->request.empty() || anyWeighted(made, true);
  made.changes_response = !made.headers.response.empty() || !headers.response.empty() ||
                          !table_headers->response.empty() || anyWeighted(made, false);
  if (!made.match.rule.addTo(index_, order)) unindexed_.push_back(order);
}

const Route* VirtualHost::find(const Query& query, Candidates* trace) const {
  std::string buffer;
  std::string_view path = withoutQuery(query.head.path);
  if (ignore_path_parameters) path = withoutParameters(path, buffer);
  auto best = static_cast<uint32_t>(routes.size());
  const auto look = [&](std::span<const uint32_t> orders) {
    for (const uint32_t order : orders) {
      if (order >= best) return;
      const Rejection why = routes[order].match.check(query, path);
      if (why == Rejection::None) {
        best = order;
        return;
      }
      if (trace != nullptr) trace->note(order, why);
    }
  };
  index_.visit(path, look);
  look(unindexed_);
  return best < routes.size() ? &routes[best] : nullptr;
}

bool VirtualHost::wantsTls(const Query& query) const {
  if (require_tls == RequireTls::No) return false;
  const Fields& fields = query.head.fields;
  // What the client spoke to the first proxy, when a trusted header says it.
  const std::string_view scheme =
      fields.get(HeaderId::XForwardedProto).value_or(query.is_tls ? "https" : query.head.scheme);
  if (scheme == "https") return false;
  return require_tls == RequireTls::All || fields.get(HeaderId::XEnvoyInternal) != "true";
}

}  // namespace weir::router
