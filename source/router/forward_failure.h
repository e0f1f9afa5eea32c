// A ForwardFailure is why no (complete) response came, in the words of the local reply it may
// become: Envoy's words, so that dashboards and clients that look for them go on working.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/arena.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::router {

struct ForwardFailure {
  Failure failure;
  ResponseFlag flag = ResponseFlag::UpstreamConnectionFailure;
  uint16_t status = 503;
  std::string_view details;       // "upstream_reset_before_response_started{connection_failure}"
  std::string_view body;          // where there is a reset reason, what stands before it
  std::string_view reset_reason;  // Forward adds it, and whether there were retries
  bool overloaded = false;        // a circuit breaker refused: x-envoy-overloaded
};

ForwardFailure describe(const Failure& failure, bool response_started);
ForwardFailure describeOverflow(const Failure& failure);
ForwardFailure describeNoEndpoint();
// What TLS has to say stands in the details and in the body, too.
inline bool isTlsFailure(const Failure& failure) { return failure.detail.starts_with("TLS_error"); }
void tellTlsReason(ForwardFailure& failure, Arena& arena);
// One attempt took longer than it may, in all or without a sign of life.
ForwardFailure describeTryTimeout(bool idle);

}  // namespace weir::router
