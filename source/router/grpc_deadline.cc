#include "source/router/grpc_deadline.h"

#include <algorithm>

#include "source/router/retry_policy.h"
#include "weir/grpc.h"

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;
using std::chrono::milliseconds;

}  // namespace

std::unique_ptr<const StreamDuration> StreamDuration::from(const route::RouteAction& proto,
                                                           const FieldPath& path, Report& report) {
  if (!proto.has_max_stream_duration()) return nullptr;
  const route::RouteAction::MaxStreamDuration& set = proto.max_stream_duration();
  const FieldPath at = path.at("max_stream_duration");
  auto made = std::make_unique<StreamDuration>();
  if (set.has_max_stream_duration()) {
    made->max = readDuration(set.max_stream_duration(), at.at("max_stream_duration"), report);
  }
  if (set.has_grpc_timeout_header_max()) {
    made->grpc_max =
        readDuration(set.grpc_timeout_header_max(), at.at("grpc_timeout_header_max"), report);
  }
  if (set.has_grpc_timeout_header_offset()) {
    made->grpc_offset =
        readDuration(set.grpc_timeout_header_offset(), at.at("grpc_timeout_header_offset"), report);
  }
  return made;
}

milliseconds StreamDuration::of(const Fields& request, milliseconds otherwise) const {
  if (grpc_max) {
    if (auto asked = grpc::timeoutIn(request)) {
      if (grpc_max->count() != 0) asked = std::min(*asked, *grpc_max);
      return std::max(*asked - grpc_offset, milliseconds(1));
    }
  }
  return max.value_or(otherwise);
}

std::unique_ptr<const GrpcTimeout> GrpcTimeout::from(const route::RouteAction& proto,
                                                     const FieldPath& path, Report& report) {
  const FieldPath at_max = path.at("max_grpc_timeout");
  const FieldPath at_offset = path.at("grpc_timeout_offset");
  if (!proto.has_max_grpc_timeout()) {
    if (proto.has_grpc_timeout_offset())
      report.warn(at_offset, "means nothing without max_grpc_timeout");
    return nullptr;
  }
  if (proto.has_max_stream_duration()) {
    report.warn(at_max, "is not read where max_stream_duration is set, as in Envoy");
    return nullptr;
  }
  auto made = std::make_unique<GrpcTimeout>();
  made->max = readDuration(proto.max_grpc_timeout(), at_max, report);
  if (proto.has_grpc_timeout_offset()) {
    made->offset = readDuration(proto.grpc_timeout_offset(), at_offset, report);
  }
  return made;
}

milliseconds GrpcTimeout::of(const Fields& request) const {
  milliseconds asked = grpc::timeoutIn(request).value_or(milliseconds(0));
  if (offset < asked) asked -= offset;  // never to 0, which would be no limit
  if (max.count() != 0 && (asked.count() == 0 || asked > max)) asked = max;
  return asked;
}

}  // namespace weir::router
