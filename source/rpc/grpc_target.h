// A GrpcTarget is GrpcService.envoy_grpc, checked: the cluster that a service is reached through.
// Read on the main thread with the configuration that names it; a value, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "envoy/config/core/v3/grpc_service.pb.h"
#include "source/rpc/back_off.h"
#include "weir/report.h"

namespace weir::rpc {

struct GrpcTarget {
  static constexpr size_t kMostMessage = 256 << 20;

  std::string cluster;
  std::string authority;  // empty: the cluster's name
  std::vector<std::pair<std::string, std::string>> metadata;
  size_t most_message = kMostMessage;  // bytes of a received message
};

// Nothing, and reported, when it is not to be used.
std::optional<GrpcTarget> readTarget(const envoy::config::core::v3::GrpcService& proto,
                                     const Where& at);
// retry_back_off; `usual` for what it does not say.
BackOff::Bounds readBackOff(const envoy::config::core::v3::RetryPolicy& proto,
                            BackOff::Bounds usual = {});

}  // namespace weir::rpc
