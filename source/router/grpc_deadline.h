// How long a request may take when it is a gRPC call that says so itself (grpc-timeout), and how
// long a stream may take at all. Two generations of fields: max_stream_duration, which bounds the
// stream from its start, and the older max_grpc_timeout, which takes the place of the route's
// timeout. Immutable. 0 is no limit.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"
#include "source/router/route_build.h"
#include "weir/fields.h"

namespace weir::router {

// RouteAction.max_stream_duration.
struct StreamDuration {
  // Null when the route does not set it.
  static std::unique_ptr<const StreamDuration> from(
      const envoy::config::route::v3::RouteAction& proto, const FieldPath& path, Report& report);

  // Of a stream with this request, whose listener allows `otherwise`. A deadline that has passed is
  // one millisecond away.
  std::chrono::milliseconds of(const Fields& request, std::chrono::milliseconds otherwise) const;

  std::optional<std::chrono::milliseconds> max;  // unset: the listener's
  std::optional<std::chrono::milliseconds>
      grpc_max;                              // unset: grpc-timeout is not read; 0: as it is
  std::chrono::milliseconds grpc_offset{0};  // before the caller's own deadline
};

// RouteAction.max_grpc_timeout and grpc_timeout_offset.
struct GrpcTimeout {
  // Null when the route does not set it, or sets the newer one.
  static std::unique_ptr<const GrpcTimeout> from(const envoy::config::route::v3::RouteAction& proto,
                                                 const FieldPath& path, Report& report);

  // Of a gRPC call, in the place of the route's timeout. A call without a deadline, or with one of
  // 0, may take `max`.
  std::chrono::milliseconds of(const Fields& request) const;

  std::chrono::milliseconds max{0};
  std::chrono::milliseconds offset{0};
};

}  // namespace weir::router
