// AdminSettings is what bootstrap.admin means, checked. A value.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/net/address.h"
#include "weir/report.h"
#include "weir/string_matcher.h"

namespace weir::admin {

struct AdminSettings {
  net::Address address;
  uint32_t unix_mode = 0;                  // of a unix socket's file; 0: what the umask leaves
  std::vector<StringMatcher> allow_paths;  // not empty: other paths (without query) get 403
  size_t max_connections = 256;
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte in either direction
};

// Nothing when there is no admin interface, or after an error was reported. Warns of an address
// that others than this machine may reach.
std::optional<AdminSettings> readAdmin(const envoy::config::bootstrap::v3::Admin& proto,
                                       const Where& at);

}  // namespace weir::admin
