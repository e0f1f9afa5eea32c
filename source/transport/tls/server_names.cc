#include "source/transport/tls/server_names.h"

#include <utility>

#include "weir/string_matcher.h"

namespace weir::transport {

// The first of a kind stays.
bool ServerNames::add(Choice& choice, const Identity& identity) {
  const Identity*& place = identity.isEcdsa() ? choice.ecdsa : choice.rsa;
  if (place != nullptr) return false;
  place = &identity;
  return true;
}

ServerNames::ServerNames(const std::vector<std::shared_ptr<const Identity>>& identities, bool scan)
    : scan_(scan), single_(identities.size() < 2) {
  for (const auto& identity : identities) {
    if (identity == identities.front()) add(first_, *identity);
    add(any_, *identity);
    for (const std::string& name : identity->host_names) {
      if (name.starts_with("*.")) {
        add(wildcards_[name.substr(1)], *identity);
      } else {
        add(exact_[name], *identity);
      }
    }
  }
}

const ServerNames::Choice& ServerNames::find(std::string_view name) const {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return any_;
  const std::string lower = asciiLower(name);
  if (const auto found = exact_.find(lower); found != exact_.end()) return found->second;
  const size_t dot = lower.find('.');
  if (dot != lower.npos && dot != 0) {
    const auto found = wildcards_.find(lower.substr(dot));
    if (found != wildcards_.end()) return found->second;
  }
  return scan_ ? any_ : first_;
}

}  // namespace weir::transport
