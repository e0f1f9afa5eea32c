#include "source/router/forward_failure.h"

#include <algorithm>
#include <string>

namespace weir::router {
namespace {

constexpr std::string_view kReset = "upstream connect error or disconnect/reset before headers. ";

}  // namespace

ForwardFailure describeOverflow(const Failure& failure) {
  return {failure, ResponseFlag::UpstreamOverflow,
          503,     "upstream_reset_before_response_started{overflow}",
          kReset,  "overflow",
          true};
}

ForwardFailure describe(const Failure& failure, bool response_started) {
  switch (failure.kind) {
    case FailureKind::ConnectFailed:
      return {failure, ResponseFlag::UpstreamConnectionFailure,
              503,     "upstream_reset_before_response_started{remote_connection_failure}",
              kReset,  "remote connection failure"};
    case FailureKind::ConnectTimeout:
      return {failure, ResponseFlag::UpstreamConnectionFailure,
              503,     "upstream_reset_before_response_started{connection_timeout}",
              kReset,  "connection timeout"};
    case FailureKind::ProtocolError:
      return {failure,
              ResponseFlag::UpstreamProtocolError,
              502,
              response_started ? "upstream_reset_after_response_started{protocol_error}"
                               : "upstream_reset_before_response_started{protocol_error}",
              kReset,
              "protocol error"};
    case FailureKind::StreamReset:
      return {failure,
              ResponseFlag::UpstreamRemoteReset,
              503,
              response_started ? "upstream_reset_after_response_started{remote_reset}"
                               : "upstream_reset_before_response_started{remote_reset}",
              kReset,
              "remote reset"};
    case FailureKind::StreamRefused:
      return {failure, ResponseFlag::UpstreamRemoteReset,
              503,     "upstream_reset_before_response_started{remote_refused_stream_reset}",
              kReset,  "remote refused stream reset"};
    default:
      return {failure,
              ResponseFlag::UpstreamConnectionTermination,
              503,
              response_started ? "upstream_reset_after_response_started{connection_termination}"
                               : "upstream_reset_before_response_started{connection_termination}",
              kReset,
              "connection termination"};
  }
}

ForwardFailure describeNoEndpoint() {
  return {{Side::Upstream, FailureKind::ConnectFailed, Retry::Never, "no endpoint"},
          ResponseFlag::NoHealthyUpstream,
          503,
          "no_healthy_upstream",
          "no healthy upstream",
          {}};
}

ForwardFailure describeTryTimeout(bool idle) {
  return {{Side::Upstream, FailureKind::Timeout, Retry::Never, "attempt timeout"},
          idle ? ResponseFlag::StreamIdleTimeout : ResponseFlag::UpstreamRequestTimeout,
          504,
          idle ? "upstream_per_try_idle_timeout" : "upstream_per_try_timeout",
          "upstream request timeout",
          {}};
}

// Details have no spaces, and what is in braces is told apart by a bar, as in Envoy.
void tellTlsReason(ForwardFailure& failure, Arena& arena) {
  const std::string_view reason = failure.failure.detail;
  if (failure.details.ends_with('}')) {
    std::string details(failure.details.substr(0, failure.details.size() - 1));
    details.append("|").append(reason).append("}");
    std::replace(details.begin(), details.end(), ' ', '_');
    failure.details = arena.copy(details);
  }
  if (!failure.reset_reason.empty()) {
    failure.body = arena.concat(failure.body, ", transport failure reason: ", reason);
  }
}

}  // namespace weir::router
