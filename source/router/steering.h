// Steering is what a request's own x-envoy-* fields ask of the router: retries and timeouts. Only
// an internal sender's fields get this far (ForwardingPolicy removes those of others), and they end
// here: take() removes them from the head.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/head.h"

namespace weir::router {

struct Steering {
  static Steering take(RequestHead& head);

  uint32_t retry_on = 0;                                     // bits of RetryPolicy::on
  std::optional<uint32_t> retries;                           // x-envoy-max-retries
  std::optional<std::chrono::milliseconds> timeout;          // of the whole response; 0: none
  std::optional<std::chrono::milliseconds> per_try_timeout;  // 0: none
  std::vector<uint32_t> status_codes;
  std::vector<std::string> header_names;  // of responses that are worth another try
};

}  // namespace weir::router
