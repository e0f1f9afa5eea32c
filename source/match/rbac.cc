#include "weir/rbac.h"

#include <map>

#include "source/match/rbac_condition.h"

namespace weir {

struct AccessRules::Compiled {
  struct Policy {
    std::string name;
    std::vector<RbacCondition> permissions, principals;
  };

  bool matches(const Policy& policy, const ConnectionView& connection,
               const RequestHead* request) const {
    const auto any = [&](const std::vector<RbacCondition>& conditions) {
      for (const RbacCondition& condition : conditions) {
        if (condition.matches(connection, request)) return true;
      }
      return false;
    };
    return any(policy.permissions) && any(policy.principals);
  }

  envoy::config::rbac::v3::RBAC::Action action{};
  std::vector<Policy> policies;  // by name
};

namespace {

template <typename List>
Result<std::vector<RbacCondition>> compileAll(const List& protos, const std::string& field,
                                              AccessRules::Subject subject) {
  std::vector<RbacCondition> made;
  if (protos.empty()) return Error{field, "expected at least one"};
  for (int i = 0; i < protos.size(); ++i) {
    auto condition = RbacCondition::from(protos[i], subject);
    if (!condition) {
      std::string path = field + "[" + std::to_string(i) + "]";
      if (!condition.error().field.empty()) path += "." + condition.error().field;
      return Error{path, condition.error().text};
    }
    made.push_back(*std::move(condition));
  }
  return made;
}

}  // namespace

AccessRules::AccessRules(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
AccessRules::AccessRules(AccessRules&&) noexcept = default;
AccessRules& AccessRules::operator=(AccessRules&&) noexcept = default;
AccessRules::~AccessRules() = default;

Result<AccessRules> AccessRules::from(const envoy::config::rbac::v3::RBAC& proto, Subject subject) {
  auto compiled = std::make_unique<Compiled>();
  compiled->action = proto.action();
  const std::map<std::string, envoy::config::rbac::v3::Policy> sorted(proto.policies().begin(),
                                                                      proto.policies().end());
  for (const auto& [name, policy] : sorted) {
    const std::string at = "policies[\"" + name + "\"]";
    if (policy.has_condition()) return Error{at + ".condition", "CEL is not supported"};
    if (policy.has_checked_condition()) {
      return Error{at + ".checked_condition", "CEL is not supported"};
    }
    auto permissions = compileAll(policy.permissions(), at + ".permissions", subject);
    if (!permissions) return std::move(permissions.error());
    auto principals = compileAll(policy.principals(), at + ".principals", subject);
    if (!principals) return std::move(principals.error());
    compiled->policies.push_back({name, *std::move(permissions), *std::move(principals)});
  }
  return AccessRules(std::move(compiled));
}

AccessRules::Decision AccessRules::decide(const ConnectionView& connection,
                                          const RequestHead* request) const {
  using Proto = envoy::config::rbac::v3::RBAC;
  Decision decision;
  for (const auto& policy : compiled_->policies) {
    if (!compiled_->matches(policy, connection, request)) continue;
    decision.policy = policy.name;
    break;
  }
  const bool matched = decision.policy.data() != nullptr;
  if (compiled_->action == Proto::ALLOW) decision.allowed = matched;
  if (compiled_->action == Proto::DENY) decision.allowed = !matched;
  return decision;
}

bool AccessRules::onlyLogs() const {
  return compiled_->action == envoy::config::rbac::v3::RBAC::LOG;
}

}  // namespace weir
