// AccessRules says who may do what: an envoy.config.rbac.v3.RBAC, checked and compiled. Policies
// are tried in the order of their names; one matches when any of its permissions and any of its
// principals do. Built once with a configuration; immutable, so every worker may use it at the same
// time. Network filters and HTTP filters share it: what needs a request is refused for connections.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/network_filter.h"
#include "weir/result.h"

namespace envoy::config::rbac::v3 {
class RBAC;
}

namespace weir {

struct RequestHead;

class AccessRules {
 public:
  enum class Subject : uint8_t { Connection, Request };

  // Error fields are relative to the message ("policies[\"name\"].permissions[0].header").
  static Result<AccessRules> from(const envoy::config::rbac::v3::RBAC& proto, Subject subject);
  AccessRules(AccessRules&&) noexcept;
  AccessRules& operator=(AccessRules&&) noexcept;
  ~AccessRules();

  struct Decision {
    bool allowed = true;
    std::string_view policy;  // that matched; empty: none did. Lives as long as the rules.
  };
  // `request` is null for connections.
  Decision decide(const ConnectionView& connection, const RequestHead* request = nullptr) const;
  // Allows everything and only says what matches (action LOG).
  bool onlyLogs() const;

 private:
  struct Compiled;
  explicit AccessRules(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace weir
