// A RetryPolicy is an envoy.config.route.v3.RetryPolicy, read and checked: when a request may be
// sent again, how often, and after what pause. Immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"
#include "weir/header_matcher.h"

namespace weir::router {

// Bits of RetryPolicy::on.
enum RetryOn : uint32_t {
  kRetry5xx = 1u << 0,
  kRetryGatewayError = 1u << 1,
  kRetryConnectFailure = 1u << 2,
  kRetryEnvoyRateLimited = 1u << 3,
  kRetryRetriable4xx = 1u << 4,
  kRetryRefusedStream = 1u << 5,
  kRetryRetriableStatusCodes = 1u << 6,
  kRetryRetriableHeaders = 1u << 7,
  kRetryReset = 1u << 8,
  kRetryResetBeforeRequest = 1u << 9,
  kRetryHttp3PostConnectFailure = 1u << 10,
  kRetryGrpcCancelled = 1u << 11,
  kRetryGrpcDeadlineExceeded = 1u << 12,
  kRetryGrpcInternal = 1u << 13,
  kRetryGrpcResourceExhausted = 1u << 14,
  kRetryGrpcUnavailable = 1u << 15,
};

// The bits of a comma separated list ("5xx,reset"); names that are not known are appended to
// `unknown`. Also reads the x-envoy-retry-on and x-envoy-retry-grpc-on headers.
uint32_t parseRetryOn(std::string_view list, std::vector<std::string_view>* unknown);

struct RetryPolicy {
  struct ResetHeader {
    std::string name;
    bool is_unix_time;  // else seconds from now
  };

  static std::shared_ptr<const RetryPolicy> from(const envoy::config::route::v3::RetryPolicy& proto,
                                                 const FieldPath& path, Report& report);

  uint32_t on = 0;
  uint32_t retries = 1;
  std::chrono::milliseconds per_try_timeout{0};       // 0: the route's timeout
  std::chrono::milliseconds per_try_idle_timeout{0};  // 0: none
  std::vector<uint32_t> status_codes;
  std::vector<HeaderMatcher> response_headers;
  std::vector<HeaderMatcher> request_headers;
  std::chrono::milliseconds back_off_base{25};
  std::chrono::milliseconds back_off_max{250};
  std::vector<ResetHeader> reset_headers;
  std::chrono::milliseconds reset_max{300'000};
  bool avoids_previous_hosts = false;  // while another endpoint is found in so many draws:
  int64_t host_selection_attempts = 1;
};

// Milliseconds of a Duration; a negative or too long one is an error and reads as zero.
std::chrono::milliseconds readDuration(const google::protobuf::Duration& duration,
                                       const FieldPath& path, Report& report);

}  // namespace weir::router
