#include "source/rpc/grpc_target.h"

#include "source/rpc/bounded_ms.h"

namespace weir::rpc {

std::optional<GrpcTarget> readTarget(const envoy::config::core::v3::GrpcService& proto,
                                     const Where& at) {
  if (!proto.has_envoy_grpc()) {
    at.error("expected envoy_grpc: services are reached through clusters");
    return std::nullopt;
  }
  GrpcTarget target;
  target.cluster = proto.envoy_grpc().cluster_name();
  target.authority = proto.envoy_grpc().authority();
  if (target.cluster.empty()) {
    at.field("envoy_grpc").field("cluster_name").error("expected a name, found nothing");
    return std::nullopt;
  }
  if (const uint32_t most = proto.envoy_grpc().max_receive_message_length().value(); most != 0) {
    target.most_message = most;
  }
  for (const auto& header : proto.initial_metadata()) {
    target.metadata.emplace_back(header.key(), header.value());
  }
  return target;
}

BackOff::Bounds readBackOff(const envoy::config::core::v3::RetryPolicy& proto,
                            BackOff::Bounds usual) {
  const auto& back_off = proto.retry_back_off();
  if (back_off.has_base_interval()) usual.base = boundedMs(back_off.base_interval());
  if (back_off.has_max_interval()) usual.most = boundedMs(back_off.max_interval());
  return usual;
}

}  // namespace weir::rpc
