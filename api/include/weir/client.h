// The asynchronous client: what a filter uses to ask another service something while its stream
// waits (ext_authz, keys, tokens, aggregation). A call goes through the named cluster with its own
// timeout, circuit breakers and statistics. Several may run at once: make the Pendings first, then
// await them one after the other; each starts when it is made.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/result.h"

namespace weir {

struct CallRequest {
  std::string cluster;
  std::string method = "GET";
  std::string path = "/";
  std::string authority;
  std::vector<std::pair<std::string, std::string>> fields;  // lower-case names
  std::string body;
  std::chrono::milliseconds timeout{1000};  // for the whole call
  uint64_t max_response_body = 1 << 20;     // a longer one fails with LimitExceeded
};

struct CallResult {
  Failure failure;  // set: there is no response
  uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  std::string_view field(std::string_view lower_name) const {
    for (const auto& [name, value] : fields) {
      if (name == lower_name) return value;
    }
    return {};
  }
};

}  // namespace weir
