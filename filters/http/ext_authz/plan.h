// What an ext_authz configuration means, checked once and shared read-only by every worker.
#pragma once

#include "weir/filter.h"

#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "weir/filter_registry.h"
#include "weir/format.h"
#include "weir/percentage.h"
#include "weir/string_matcher.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::filters::ext_authz {

namespace v3 = envoy::extensions::filters::http::ext_authz::v3;

using Matchers = std::vector<StringMatcher>;

// The service that is asked.
struct Service {
  std::string cluster;
  std::chrono::milliseconds timeout{0};
  std::string path_prefix;
  std::string path_override;
  std::vector<std::pair<std::string, Format>> headers_to_add;  // to the check

  // Which fields of its answer go where.
  Matchers to_upstream, append_upstream;
  Matchers to_client;          // of a denial; none: all
  Matchers to_client_allowed;  // of an approval; none: none
  Matchers to_metadata;
};

struct Stats {
  Counter ok, denied, error, failure_mode_allowed, disabled, timeout, invalid, ignored_metadata;
};

struct Plan {
  bool disabled = false;  // for this route
  Service service;
  BodyNeed body;
  Matchers allowed, disallowed;  // fields of the request that the service sees
  bool failure_mode_allow = false;
  bool failure_mode_header = false;
  RuntimeFlag deny_when_off;
  bool takes_metadata = true;
  uint16_t status_on_error = 403;
  uint32_t max_denied_body = 0;  // 0: all of it
  RuntimePercentage enabled = Percentage::always();
  Stats stats;

  BodyNeed requestBody() const { return disabled ? BodyNeed::none() : body; }

  static Result<Plan> from(const v3::ExtAuthz& proto, PlanBuild& build);
  static Result<Plan> forRoute(const Plan& base, std::span<const v3::ExtAuthzPerRoute> levels,
                               PlanBuild& build);
};

}  // namespace weir::filters::ext_authz
