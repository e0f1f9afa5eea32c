// The gRPC status a finished request ended with, as access logs and their filters see it: from the
// trailers, from the head of a trailers-only response, or derived from the HTTP status.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/stream_info.h"

namespace weir::telemetry {

// Nothing when the request was not gRPC (its content-type does not say application/grpc).
std::optional<uint32_t> grpcStatusOf(const StreamInfo& info);
// The status a response has whatever the request was: what Envoy's grpc_status_filter looks at.
uint32_t grpcStatusOfResponse(const StreamInfo& info);

// "InvalidArgument" and "INVALID_ARGUMENT"; empty for numbers that have no name.
std::string_view grpcCamelName(uint32_t status);
std::string_view grpcSnakeName(uint32_t status);

}  // namespace weir::telemetry
