// Closes connections that the rules deny; shadow rules only count what they would do.
#include <optional>

#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"
#include "weir/filter_registry.h"
#include "weir/rbac.h"

namespace weir::network::rbac {
namespace {

using Proto = envoy::extensions::filters::network::rbac::v3::RBAC;

constexpr std::string_view kSpace = "envoy.filters.network.rbac";

// One set of rules and what is counted of it.
struct Ruled {
  AccessRules rules;
  Counter allowed, denied;
};

struct Plan {
  std::optional<Ruled> enforced, shadow;
  std::string shadow_prefix;
  std::chrono::milliseconds delay{0};
  Counter logged, not_logged;

  static Result<Plan> from(const Proto& proto, PlanBuild& build);
};

Error below(const char* field, Error error) {
  error.field = std::string(field) + (error.field.empty() ? "" : ".") + error.field;
  return error;
}

Result<Plan> Plan::from(const Proto& proto, PlanBuild& build) {
  if (proto.stat_prefix().empty())
    return Error{"stat_prefix", "expected a name for the statistics"};
  if (proto.has_matcher()) return Error{"matcher", "matching trees are not supported; use rules"};
  if (proto.has_shadow_matcher())
    return Error{"shadow_matcher", "matching trees are not supported; use shadow_rules"};
  for (const auto& [set, field] :
       {std::pair(proto.rules().has_audit_logging_options(), "rules.audit_logging_options"),
        std::pair(proto.shadow_rules().has_audit_logging_options(),
                  "shadow_rules.audit_logging_options")}) {
    if (set) build.warn(field, "nothing is logged: there are no audit loggers");
  }
  Plan plan;
  const StatScope scope =
      build.stats.tagged(proto.stat_prefix(), "envoy_rbac_prefix").scope("rbac");
  if (proto.has_rules()) {
    auto rules = AccessRules::from(proto.rules(), AccessRules::Subject::Connection);
    if (!rules) return below("rules", std::move(rules.error()));
    plan.enforced.emplace(
        Ruled{*std::move(rules), scope.counter("allowed"), scope.counter("denied")});
  }
  if (proto.has_shadow_rules()) {
    auto rules = AccessRules::from(proto.shadow_rules(), AccessRules::Subject::Connection);
    if (!rules) return below("shadow_rules", std::move(rules.error()));
    plan.shadow_prefix = proto.shadow_rules_stat_prefix();
    plan.shadow.emplace(Ruled{*std::move(rules),
                              scope.counter(plan.shadow_prefix + "shadow_allowed"),
                              scope.counter(plan.shadow_prefix + "shadow_denied")});
  }
  plan.delay = std::chrono::milliseconds(proto.delay_deny().seconds() * 1000 +
                                         proto.delay_deny().nanos() / 1'000'000);
  plan.logged = scope.counter("logged");
  plan.not_logged = scope.counter("not_logged");
  return plan;
}

class Rbac final : public NetworkFilter {
 public:
  explicit Rbac(const Plan& plan) : plan_(plan) {}

  NetworkVerdict onConnection(NetworkConnection& connection) override {
    if (plan_.shadow) tellShadow(connection);
    if (!plan_.enforced) return NetworkVerdict::pass();
    const AccessRules::Decision decision = plan_.enforced->rules.decide(connection.view());
    if (plan_.enforced->rules.onlyLogs()) tellLog(!decision.policy.empty(), connection);
    (decision.allowed ? plan_.enforced->allowed : plan_.enforced->denied).add();
    if (decision.allowed) return NetworkVerdict::pass();
    details_ = "rbac_access_denied_matched_policy[";
    details_.append(decision.policy.empty() ? "none" : decision.policy).push_back(']');
    return NetworkVerdict::close(details_, plan_.delay);
  }

 private:
  void tellShadow(NetworkConnection& connection) const {
    const AccessRules::Decision decision = plan_.shadow->rules.decide(connection.view());
    (decision.allowed ? plan_.shadow->allowed : plan_.shadow->denied).add();
    const std::string& prefix = plan_.shadow_prefix;
    if (!decision.policy.empty())
      connection.setMetadata(kSpace, prefix + "shadow_effective_policy_id", decision.policy);
    connection.setMetadata(kSpace, prefix + "shadow_engine_result",
                           decision.allowed ? "allowed" : "denied");
  }

  void tellLog(bool matched, NetworkConnection& connection) const {
    (matched ? plan_.logged : plan_.not_logged).add();
    connection.setMetadata("envoy.common", "access_log_hint", matched ? "true" : "false");
  }

  const Plan& plan_;
  std::string details_;
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.addNetwork<Proto, Plan, Rbac>("envoy.filters.network.rbac");
}

}  // namespace weir::network::rbac
