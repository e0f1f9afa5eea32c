// Answers browsers' preflight requests, and marks responses that scripts of other origins may read
// (https://fetch.spec.whatwg.org/#http-cors-protocol). What is allowed is said per route.
#include <string>
#include <vector>

#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/percentage.h"
#include "weir/string_matcher.h"

namespace weir::filters::cors {
namespace {

namespace v3 = envoy::extensions::filters::http::cors::v3;

struct Names {
  HeaderName allow_origin = *HeaderName::parse("access-control-allow-origin");
  HeaderName allow_credentials = *HeaderName::parse("access-control-allow-credentials");
  HeaderName allow_methods = *HeaderName::parse("access-control-allow-methods");
  HeaderName allow_headers = *HeaderName::parse("access-control-allow-headers");
  HeaderName allow_private = *HeaderName::parse("access-control-allow-private-network");
  HeaderName expose_headers = *HeaderName::parse("access-control-expose-headers");
  HeaderName max_age = *HeaderName::parse("access-control-max-age");
};

const Names& names() {
  static const Names all;
  return all;
}

// Of several levels with a policy the most specific decides, field by field; whether the filter
// acts at all is for the most specific alone to say.
struct Plan {
  bool has_policy = false;
  std::vector<StringMatcher> origins;
  std::string methods, headers, expose, max_age;
  bool credentials = false;
  bool private_network = false;
  bool forward_others = true;  // preflights of origins that are not allowed
  RuntimePercentage enabled = Percentage::always();
  RuntimePercentage shadow;
  Counter valid, invalid;

  static Result<Plan> from(const v3::Cors&, PlanBuild& build) {
    Plan plan;
    const StatScope stats = build.stats.scope("cors");
    plan.valid = stats.counter("origin_valid");
    plan.invalid = stats.counter("origin_invalid");
    return plan;
  }

  static Result<Plan> forRoute(const Plan& base, std::span<const v3::CorsPolicy> levels,
                               PlanBuild& build) {
    Plan plan = base;
    plan.has_policy = true;
    for (const v3::CorsPolicy& level : levels) {
      if (auto error = plan.overlay(level)) return *error;
    }
    const v3::CorsPolicy& last = levels.back();
    const auto keys = [&build](const std::string& key) { return build.runtime(key); };
    if (last.has_filter_enabled())
      plan.enabled = RuntimePercentage::from(last.filter_enabled(), keys);
    if (last.has_shadow_enabled())
      plan.shadow = RuntimePercentage::from(last.shadow_enabled(), keys);
    return plan;
  }

 private:
  std::optional<Error> overlay(const v3::CorsPolicy& level);
};

std::optional<Error> Plan::overlay(const v3::CorsPolicy& level) {
  if (level.allow_origin_string_match_size() != 0) origins.clear();
  for (int i = 0; i < level.allow_origin_string_match_size(); ++i) {
    auto matcher = StringMatcher::from(level.allow_origin_string_match(i));
    if (!matcher) {
      return Error{"allow_origin_string_match[" + std::to_string(i) + "]." + matcher.error().field,
                   matcher.error().text};
    }
    origins.push_back(*std::move(matcher));
  }
  const auto text = [](const std::string& value, const char* field,
                       std::string& into) -> std::optional<Error> {
    if (value.empty()) return std::nullopt;
    if (!isFieldValue(value)) return Error{field, "'" + value + "' cannot stand in a header"};
    into = value;
    return std::nullopt;
  };
  if (auto error = text(level.allow_methods(), "allow_methods", methods)) return error;
  if (auto error = text(level.allow_headers(), "allow_headers", headers)) return error;
  if (auto error = text(level.expose_headers(), "expose_headers", expose)) return error;
  if (auto error = text(level.max_age(), "max_age", max_age)) return error;
  if (level.has_allow_credentials()) credentials = level.allow_credentials().value();
  if (level.has_allow_private_network_access())
    private_network = level.allow_private_network_access().value();
  if (level.has_forward_not_matching_preflights()) {
    forward_others = level.forward_not_matching_preflights().value();
  }
  return std::nullopt;
}

class Cors final : public Filter {
 public:
  explicit Cors(const Plan& plan) : plan_(plan) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    // A route that answers by itself has no policy to ask about, as in Envoy.
    if (!plan_.has_policy || stream.routeCluster().empty()) return Verdict::pass();
    const bool enabled = plan_.enabled.includes(stream.random());
    const bool shadow = !enabled && plan_.shadow.includes(stream.random());
    const std::string_view origin = head.fields.get(HeaderId::Origin).value_or("");
    if ((!enabled && !shadow) || origin.empty()) return Verdict::pass();
    const bool allowed = isAllowed(origin);
    (allowed ? plan_.valid : plan_.invalid).add();
    if (shadow) return Verdict::pass();
    if (allowed) origin_ = stream.arena().copy(origin);
    const bool preflight =
        head.method == Method::Options &&
        !head.fields.get(HeaderId::AccessControlRequestMethod).value_or("").empty();
    if (!preflight || (!allowed && plan_.forward_others)) return Verdict::pass();
    LocalReply reply;
    reply.status = 200;
    reply.details = "cors_response";
    reply.fields = answerTo(head, stream);
    return Verdict::reply(reply);
  }

  // Also passed by the answer to a preflight.
  Verdict onResponse(ResponseHead& head, Stream&) override {
    if (origin_.empty()) return Verdict::pass();
    head.fields.set(names().allow_origin, origin_);
    if (plan_.credentials) head.fields.set(names().allow_credentials, "true");
    if (!plan_.expose.empty()) head.fields.set(names().expose_headers, plan_.expose);
    return Verdict::pass();
  }

 private:
  bool isAllowed(std::string_view origin) const {
    for (const StringMatcher& matcher : plan_.origins) {
      if (matcher.matches("*") || matcher.matches(origin)) return true;
    }
    return false;
  }

  // "*" is answered with what was asked for: a browser that sends credentials takes no wildcard.
  const Fields* answerTo(const RequestHead& head, Stream& stream) const {
    Arena& arena = stream.arena();
    auto* fields = arena.make<Fields>(arena);
    if (plan_.credentials) fields->add(names().allow_credentials, "true");
    const auto say = [&](const HeaderName& name, std::string_view value, HeaderId asked) {
      if (value == "*") value = head.fields.get(asked).value_or("");
      if (!value.empty()) fields->add(name, value);
    };
    say(names().allow_methods, plan_.methods, HeaderId::AccessControlRequestMethod);
    say(names().allow_headers, plan_.headers, HeaderId::AccessControlRequestHeaders);
    if (!plan_.max_age.empty()) fields->add(names().max_age, plan_.max_age);
    if (plan_.private_network &&
        head.fields.get("access-control-request-private-network") == "true") {
      fields->add(names().allow_private, "true");
    }
    return fields;
  }

  const Plan& plan_;
  std::string_view origin_;  // allowed; else empty
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::Cors, Plan, Cors, v3::CorsPolicy>("envoy.filters.http.cors");
}

}  // namespace weir::filters::cors
