#include "source/router/retries.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "weir/grpc.h"

namespace weir::router {
namespace {

using std::chrono::milliseconds;

// Only an answer without messages says its gRPC status in the head.
uint32_t grpcBit(const ResponseHead& head) {
  switch (grpc::statusIn(head.fields).value_or(grpc::kOk)) {
    case grpc::kCancelled:
      return kRetryGrpcCancelled;
    case grpc::kDeadlineExceeded:
      return kRetryGrpcDeadlineExceeded;
    case grpc::kResourceExhausted:
      return kRetryGrpcResourceExhausted;
    case grpc::kInternal:
      return kRetryGrpcInternal;
    case grpc::kUnavailable:
      return kRetryGrpcUnavailable;
    default:
      return 0;
  }
}

bool contains(const std::vector<uint32_t>& codes, uint16_t status) {
  return std::find(codes.begin(), codes.end(), status) != codes.end();
}

}  // namespace

Retries::Retries(const RetryPolicy& policy, const Steering& steering, const RequestHead& head,
                 const cluster::Cluster& cluster, cluster::Priority priority)
    : policy_(policy),
      steering_(steering),
      cluster_(cluster),
      priority_(priority),
      on_(policy.on | steering.retry_on),
      left_(steering.retries.value_or(policy.retries)) {
  const auto& only = policy.request_headers;
  const auto matches = [&head](const HeaderMatcher& matcher) { return matcher.matches(head); };
  if (!only.empty() && std::none_of(only.begin(), only.end(), matches)) on_ = 0;
}

void Retries::release() {
  if (std::exchange(holds_, false)) cluster_.budgets(priority_).retries.give();
}

bool Retries::wants(const ResponseHead& head) const {
  // It comes from a proxy that protects itself: asking again at once would make that worse.
  if (head.fields.get("x-envoy-ratelimited")) return (on_ & kRetryEnvoyRateLimited) != 0;
  const uint16_t status = head.status;
  if ((on_ & kRetry5xx) != 0 && status >= 500 && status < 600) return true;
  if ((on_ & kRetryGatewayError) != 0 && status >= 502 && status <= 504) return true;
  if ((on_ & kRetryRetriable4xx) != 0 && status == 409) return true;
  if ((on_ & kRetryRetriableStatusCodes) != 0 &&
      (contains(policy_.status_codes, status) || contains(steering_.status_codes, status))) {
    return true;
  }
  if ((on_ & kRetryRetriableHeaders) != 0) {
    for (const HeaderMatcher& matcher : policy_.response_headers) {
      if (matcher.matches(head)) return true;
    }
    for (const std::string& name : steering_.header_names) {
      if (head.fields.get(name)) return true;
    }
  }
  return (on_ & grpcBit(head)) != 0;
}

bool Retries::wants(const Failure& failure, bool began) const {
  if (failure.kind == FailureKind::Refused) return false;  // by a circuit breaker of ours
  if ((on_ & (kRetryReset | kRetry5xx | kRetryGatewayError)) != 0) return true;
  if ((on_ & kRetryResetBeforeRequest) != 0 && !began) return true;
  if ((on_ & kRetryRefusedStream) != 0 && failure.kind == FailureKind::StreamRefused) return true;
  return (on_ & kRetryConnectFailure) != 0 && (failure.kind == FailureKind::ConnectFailed ||
                                               failure.kind == FailureKind::ConnectTimeout);
}

Retries::Answer Retries::afterHead(const ResponseHead& head, WallTime now) {
  if (!wants(head)) {
    if (holds_) cluster_.stats().rq_retry_success.add();
    release();
    return Answer::No;
  }
  readReset(head, now);
  return decide();
}

Retries::Answer Retries::afterFailure(const Failure& failure, bool began) {
  if (!wants(failure, began)) {
    release();
    return Answer::No;
  }
  return decide();
}

Retries::Answer Retries::decide() {
  release();
  const cluster::ClusterStats& stats = cluster_.stats();
  if (left_ == 0) {
    stats.rq_retry_limit_exceeded.add();
    return Answer::LimitExceeded;
  }
  --left_;
  if (cluster_.budgets(priority_).retriesFull(cluster_.limits(priority_))) {
    stats.rq_retry_overflow.add();
    return Answer::Overflow;
  }
  cluster_.budgets(priority_).retries.take();
  holds_ = true;
  ++made_;
  stats.rq_retry.add();
  return Answer::Yes;
}

// The first of the policy's headers that tells a time not too far away.
void Retries::readReset(const ResponseHead& head, WallTime now) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  for (const RetryPolicy::ResetHeader& header : policy_.reset_headers) {
    const std::string_view text = head.fields.get(header.name).value_or(std::string_view());
    int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc() || end != text.data() + text.size()) continue;
    if (header.is_unix_time) seconds -= since_epoch.count();
    if (seconds < 1 || seconds > policy_.reset_max / std::chrono::seconds(1)) continue;
    reset_ = std::chrono::seconds(seconds);
    return;
  }
}

milliseconds Retries::pause(uint64_t random) {
  const cluster::ClusterStats& stats = cluster_.stats();
  if (const auto reset = std::exchange(reset_, std::nullopt)) {
    stats.rq_retry_backoff_ratelimited.add();
    const auto spread = static_cast<uint64_t>(std::max<int64_t>(reset->count() / 2, 1));
    return *reset + milliseconds(random % spread);
  }
  stats.rq_retry_backoff_exponential.add();
  // [0, (2^N - 1) * base) for the Nth retry.
  const uint32_t doublings = std::min(made_, 20u);
  const milliseconds bound =
      std::min(policy_.back_off_base * ((1 << doublings) - 1), policy_.back_off_max);
  return milliseconds(random % static_cast<uint64_t>(std::max<int64_t>(bound.count(), 1)));
}

}  // namespace weir::router
