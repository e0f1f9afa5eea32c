#include "filters/http/ext_authz/plan.h"

namespace weir::filters::ext_authz {
namespace {

using envoy::type::matcher::v3::ListStringMatcher;

// The default of HTTP clients, here for bodies that a broken service would send without end.
constexpr uint32_t kLowestStatus = 200;
constexpr uint32_t kHighestStatus = 599;

std::optional<Error> readMatchers(const ListStringMatcher& proto, const std::string& field,
                                  Matchers& into) {
  for (int i = 0; i < proto.patterns_size(); ++i) {
    auto matcher = StringMatcher::from(proto.patterns(i));
    if (!matcher) {
      return Error{field + ".patterns[" + std::to_string(i) + "]." + matcher.error().field,
                   matcher.error().text};
    }
    into.push_back(*std::move(matcher));
  }
  return std::nullopt;
}

std::optional<Error> readBody(const v3::BufferSettings& proto, const std::string& field,
                              BodyNeed& into) {
  if (proto.max_request_bytes() == 0)
    return Error{field + ".max_request_bytes", "expected at least 1"};
  into = proto.allow_partial_message() ? BodyNeed::prefix(proto.max_request_bytes())
                                       : BodyNeed::whole(proto.max_request_bytes());
  return std::nullopt;
}

std::optional<Error> readPath(const v3::HttpService& proto, Service& service) {
  service.path_prefix = proto.path_prefix();
  service.path_override = proto.path_override();
  if (!service.path_prefix.empty() && service.path_prefix.front() != '/') {
    return Error{"path_prefix",
                 "expected a path that begins with '/', found '" + service.path_prefix + "'"};
  }
  if (service.path_override.empty()) return std::nullopt;
  if (!service.path_prefix.empty())
    return Error{"path_override", "stands beside path_prefix; keep one of them"};
  if (service.path_override.front() != '/')
    return Error{"path_override", "expected a path that begins with '/'"};
  return std::nullopt;
}

std::optional<Error> readAdds(const v3::AuthorizationRequest& proto, Service& service,
                              PlanBuild& build) {
  for (int i = 0; i < proto.headers_to_add_size(); ++i) {
    const auto& header = proto.headers_to_add(i);
    const std::string at = "authorization_request.headers_to_add[" + std::to_string(i) + "]";
    auto name = HeaderName::parse(header.key());
    if (!name) return Error{at + ".key", name.error().text};
    auto value = Format::parse(header.value().empty() ? header.raw_value() : header.value());
    if (!value) return Error{at + ".value", value.error().text};
    for (const std::string& missing : value->unsupported())
      build.warn(at, missing + " never has a value");
    service.headers_to_add.emplace_back(name->text(), *std::move(value));
  }
  return std::nullopt;
}

std::optional<Error> readAnswer(const v3::AuthorizationResponse& proto, Service& service) {
  const std::string at = "authorization_response.";
  auto error = readMatchers(proto.allowed_upstream_headers(), at + "allowed_upstream_headers",
                            service.to_upstream);
  if (!error) {
    error = readMatchers(proto.allowed_upstream_headers_to_append(),
                         at + "allowed_upstream_headers_to_append", service.append_upstream);
  }
  if (!error)
    error = readMatchers(proto.allowed_client_headers(), at + "allowed_client_headers",
                         service.to_client);
  if (!error) {
    error = readMatchers(proto.allowed_client_headers_on_success(),
                         at + "allowed_client_headers_on_success", service.to_client_allowed);
  }
  if (!error) {
    error = readMatchers(proto.dynamic_metadata_from_headers(),
                         at + "dynamic_metadata_from_headers", service.to_metadata);
  }
  if (error || service.to_client.empty()) return error;
  // A list of what a denied client gets always has what makes the denial work.
  for (const char* name : {"content-length", "www-authenticate", "location"}) {
    service.to_client.push_back(StringMatcher::literal(StringMatcher::Kind::Exact, name));
  }
  return std::nullopt;
}

Result<Service> readService(const v3::HttpService& proto, PlanBuild& build) {
  Service service;
  const auto& uri = proto.server_uri();
  service.cluster = uri.cluster();
  if (service.cluster.empty())
    return Error{"server_uri.cluster", "expected the name of the service's cluster"};
  if (!build.hasCluster(service.cluster)) {
    build.warn("http_service.server_uri.cluster", "there is no cluster '" + service.cluster + "'");
  }
  if (!uri.has_timeout()) return Error{"server_uri.timeout", "expected a time, such as 0.25s"};
  service.timeout =
      std::chrono::milliseconds(uri.timeout().seconds() * 1000 + uri.timeout().nanos() / 1'000'000);
  if (proto.has_retry_policy())
    return Error{"retry_policy", "asking again is not supported yet; remove it"};
  if (auto error = readPath(proto, service)) return *error;
  if (auto error = readAdds(proto.authorization_request(), service, build)) return *error;
  if (auto error = readAnswer(proto.authorization_response(), service)) return *error;
  return service;
}

// What decides who may pass, and is not there.
std::optional<Error> refuseUnsupported(const v3::ExtAuthz& proto) {
  if (proto.has_grpc_service()) {
    return Error{"grpc_service", "asking over gRPC is not supported yet; use http_service"};
  }
  if (!proto.has_http_service()) return Error{"", "expected http_service"};
  if (proto.clear_route_cache())
    return Error{"clear_route_cache", "choosing the route anew is not supported yet"};
  if (proto.has_filter_enabled_metadata())
    return Error{"filter_enabled_metadata", "is not supported yet"};
  if (proto.has_decoder_header_mutation_rules()) {
    return Error{"decoder_header_mutation_rules",
                 "limits to what the service may change are not supported yet"};
  }
  if (proto.shadow_mode())
    return Error{"shadow_mode", "checking without enforcing is not supported yet"};
  return std::nullopt;
}

void warnOfHarmless(const v3::ExtAuthz& proto, PlanBuild& build) {
  const auto warn = [&build](bool set, const char* field,
                             const char* why = "is for gRPC services only") {
    if (set) build.warn(field, why);
  };
  warn(proto.metadata_context_namespaces_size() != 0, "metadata_context_namespaces");
  warn(proto.typed_metadata_context_namespaces_size() != 0, "typed_metadata_context_namespaces");
  warn(proto.route_metadata_context_namespaces_size() != 0, "route_metadata_context_namespaces");
  warn(proto.route_typed_metadata_context_namespaces_size() != 0,
       "route_typed_metadata_context_namespaces");
  warn(proto.include_peer_certificate(), "include_peer_certificate");
  warn(proto.include_tls_session(), "include_tls_session");
  warn(!proto.bootstrap_metadata_labels_key().empty(), "bootstrap_metadata_labels_key");
  warn(proto.encode_raw_headers(), "encode_raw_headers");
  warn(proto.with_request_body().pack_as_bytes(), "with_request_body.pack_as_bytes");
  warn(proto.has_filter_metadata(), "filter_metadata", "is not kept anywhere");
  warn(proto.emit_filter_state_stats(), "emit_filter_state_stats", "there is no filter state");
  warn(proto.enforce_response_header_limits(), "enforce_response_header_limits",
       "a response is limited by its cluster's own limits");
  warn(proto.clear_route_cache_headers_size() != 0, "clear_route_cache_headers",
       "needs clear_route_cache");
  warn(proto.charge_cluster_response_stats().value(), "charge_cluster_response_stats",
       "the answers count in this filter's statistics alone, not in the route's cluster's");
}

Stats countersOf(const v3::ExtAuthz& proto, const StatScope& root) {
  StatScope scope = root.scope("ext_authz");
  if (!proto.stat_prefix().empty()) scope = scope.scope(proto.stat_prefix());
  return {.ok = scope.counter("ok"),
          .denied = scope.counter("denied"),
          .error = scope.counter("error"),
          .failure_mode_allowed = scope.counter("failure_mode_allowed"),
          .disabled = scope.counter("disabled"),
          .timeout = scope.counter("timeout"),
          .invalid = scope.counter("invalid"),
          .ignored_metadata = scope.counter("ignored_dynamic_metadata")};
}

Error below(const char* parent, Error error) {
  error.field = error.field.empty() ? parent : parent + ("." + error.field);
  return error;
}

}  // namespace

Result<Plan> Plan::from(const v3::ExtAuthz& proto, PlanBuild& build) {
  if (auto error = refuseUnsupported(proto)) return *error;
  Plan plan;
  auto service = readService(proto.http_service(), build);
  if (!service) return below("http_service", std::move(service.error()));
  plan.service = *std::move(service);
  if (proto.has_with_request_body()) {
    if (auto error = readBody(proto.with_request_body(), "with_request_body", plan.body))
      return *error;
  }
  const auto& old_list = proto.http_service().authorization_request().allowed_headers();
  if (proto.has_allowed_headers() && old_list.patterns_size() != 0) {
    return Error{"allowed_headers",
                 "stands beside http_service.authorization_request.allowed_headers; keep this one"};
  }
  if (auto error = readMatchers(proto.allowed_headers(), "allowed_headers", plan.allowed))
    return *error;
  const std::string old_field = "http_service.authorization_request.allowed_headers";
  if (auto error = readMatchers(old_list, old_field, plan.allowed)) return *error;
  if (auto error = readMatchers(proto.disallowed_headers(), "disallowed_headers", plan.disallowed))
    return *error;
  plan.failure_mode_allow = proto.failure_mode_allow();
  plan.failure_mode_header = proto.failure_mode_allow_header_add();
  const auto keys = [&build](const std::string& key) { return build.runtime(key); };
  plan.deny_when_off = RuntimeFlag::from(proto.deny_at_disable(), false, keys);
  plan.takes_metadata = !proto.has_enable_dynamic_metadata_ingestion() ||
                        proto.enable_dynamic_metadata_ingestion().value();
  plan.max_denied_body = proto.max_denied_response_body_bytes();
  if (proto.has_filter_enabled())
    plan.enabled = RuntimePercentage::from(proto.filter_enabled(), keys);
  if (proto.has_status_on_error()) {
    const auto status = static_cast<uint32_t>(proto.status_on_error().code());
    if (status < kLowestStatus || status > kHighestStatus) {
      return Error{"status_on_error.code", "expected a status from 200 to 599"};
    }
    plan.status_on_error = static_cast<uint16_t>(status);
  }
  warnOfHarmless(proto, build);
  plan.stats = countersOf(proto, build.stats);
  return plan;
}

Result<Plan> Plan::forRoute(const Plan& base, std::span<const v3::ExtAuthzPerRoute> levels,
                            PlanBuild& build) {
  const v3::ExtAuthzPerRoute& route = levels.back();
  Plan plan = base;
  plan.disabled = route.disabled();
  if (!route.has_check_settings()) {
    if (!route.disabled()) return Error{"", "expected disabled: true, or check_settings"};
    return plan;
  }
  const v3::CheckSettings& settings = route.check_settings();
  if (settings.has_grpc_service()) {
    return Error{"check_settings.grpc_service",
                 "asking over gRPC is not supported yet; use http_service"};
  }
  if (settings.disable_request_body_buffering() && settings.has_with_request_body()) {
    return Error{"check_settings.with_request_body",
                 "stands beside disable_request_body_buffering; keep one of them"};
  }
  if (settings.disable_request_body_buffering()) plan.body = BodyNeed::none();
  if (settings.has_with_request_body()) {
    const std::string at = "check_settings.with_request_body";
    if (auto error = readBody(settings.with_request_body(), at, plan.body)) return *error;
  }
  if (settings.has_http_service()) {
    auto service = readService(settings.http_service(), build);
    if (!service) return below("check_settings.http_service", std::move(service.error()));
    plan.service = *std::move(service);
  }
  if (!settings.context_extensions().empty()) {
    build.warn("check_settings.context_extensions", "is for gRPC services only");
  }
  return plan;
}

}  // namespace weir::filters::ext_authz
