// A RequestIdPolicy gives each request its x-request-id: the one it brought along, or a new random
// UUID (RFC 9562 §5.4) when it brought none or comes from outside and may not choose its own. Built
// with the configuration, immutable, shared by all workers. Unlike Envoy's, a new id never tells in
// its 14th digit why a request is traced.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "weir/arena.h"
#include "weir/head.h"
#include "weir/result.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::stream {

// 36 characters in the arena. Every bit but the six of version and variant comes from `random`.
std::string_view makeUuid(const std::array<uint64_t, 2>& random, Arena& arena);

struct RequestIdPolicy {
  using Hcm =
      envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

  // Refuses a request_id_extension other than Envoy's UUIDs.
  static Result<RequestIdPolicy> from(const Hcm& proto);

  // The request's id, after setting it where that is needed; empty when it has none. `is_edge`: the
  // request is what ForwardingPolicy calls one from outside.
  std::string_view apply(RequestHead& head, bool is_edge, const std::array<uint64_t, 2>& random,
                         Arena& arena) const;

  bool generate = true;
  bool preserve_external = false;
};

}  // namespace weir::stream
