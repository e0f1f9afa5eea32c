#include "source/router/retry_policy.h"

#include <array>
#include <utility>

namespace weir::router {
namespace {

namespace route = envoy::config::route::v3;
using std::chrono::milliseconds;

constexpr std::string_view kPreviousHosts =
    "/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate";
constexpr int64_t kLongestSeconds = 315'576'000'000;  // what a Duration may hold

constexpr std::array<std::pair<std::string_view, uint32_t>, 16> kNames = {{
    {"5xx", kRetry5xx},
    {"gateway-error", kRetryGatewayError},
    {"connect-failure", kRetryConnectFailure},
    {"envoy-ratelimited", kRetryEnvoyRateLimited},
    {"retriable-4xx", kRetryRetriable4xx},
    {"refused-stream", kRetryRefusedStream},
    {"retriable-status-codes", kRetryRetriableStatusCodes},
    {"retriable-headers", kRetryRetriableHeaders},
    {"reset", kRetryReset},
    {"reset-before-request", kRetryResetBeforeRequest},
    {"http3-post-connect-failure", kRetryHttp3PostConnectFailure},
    {"cancelled", kRetryGrpcCancelled},
    {"deadline-exceeded", kRetryGrpcDeadlineExceeded},
    {"internal", kRetryGrpcInternal},
    {"resource-exhausted", kRetryGrpcResourceExhausted},
    {"unavailable", kRetryGrpcUnavailable},
}};

template <typename List>
std::vector<HeaderMatcher> readMatchers(const List& list, std::string_view field,
                                        const FieldPath& path, Report& report) {
  std::vector<HeaderMatcher> made;
  for (int i = 0; i < list.size(); ++i) {
    auto matcher = HeaderMatcher::from(list[i]);
    if (matcher) {
      made.push_back(*std::move(matcher));
    } else {
      report.error(path.at(field, i), matcher.error());
    }
  }
  return made;
}

void readBackOff(const route::RetryPolicy& proto, const FieldPath& path, RetryPolicy& made,
                 Report& report) {
  if (!proto.has_retry_back_off()) return;
  const FieldPath at = path.at("retry_back_off");
  const route::RetryPolicy::RetryBackOff& back_off = proto.retry_back_off();
  made.back_off_base = readDuration(back_off.base_interval(), at.at("base_interval"), report);
  if (!back_off.has_base_interval() || made.back_off_base < milliseconds(1)) {
    report.error(at.at("base_interval"), "at least 1ms is expected");
  }
  made.back_off_max = made.back_off_base * 10;
  if (!back_off.has_max_interval()) return;
  made.back_off_max = readDuration(back_off.max_interval(), at.at("max_interval"), report);
  if (made.back_off_max < made.back_off_base) {
    report.error(at.at("max_interval"), "is shorter than base_interval");
  }
}

}  // namespace

milliseconds readDuration(const google::protobuf::Duration& duration, const FieldPath& path,
                          Report& report) {
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.seconds() > kLongestSeconds) {
    report.error(path, "a duration that is not negative is expected");
    return milliseconds(0);
  }
  return milliseconds(duration.seconds() * 1000 + duration.nanos() / 1'000'000);
}

uint32_t parseRetryOn(std::string_view list, std::vector<std::string_view>* unknown) {
  uint32_t bits = 0;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    uint32_t bit = 0;
    for (const auto& [known, value] : kNames) {
      if (known == name) bit = value;
    }
    bits |= bit;
    if (bit == 0 && !name.empty() && unknown != nullptr) unknown->push_back(name);
  }
  return bits;
}

std::shared_ptr<const RetryPolicy> RetryPolicy::from(const route::RetryPolicy& proto,
                                                     const FieldPath& path, Report& report) {
  auto made = std::make_shared<RetryPolicy>();
  std::vector<std::string_view> unknown;
  made->on = parseRetryOn(proto.retry_on(), &unknown);
  for (const std::string_view name : unknown) {
    report.warn(path.at("retry_on"), "'" + std::string(name) + "' is not known and is ignored");
  }
  if (proto.has_num_retries()) made->retries = proto.num_retries().value();
  made->per_try_timeout = readDuration(proto.per_try_timeout(), path.at("per_try_timeout"), report);
  made->per_try_idle_timeout =
      readDuration(proto.per_try_idle_timeout(), path.at("per_try_idle_timeout"), report);
  made->status_codes.assign(proto.retriable_status_codes().begin(),
                            proto.retriable_status_codes().end());
  made->response_headers =
      readMatchers(proto.retriable_headers(), "retriable_headers", path, report);
  made->request_headers =
      readMatchers(proto.retriable_request_headers(), "retriable_request_headers", path, report);
  readBackOff(proto, path, *made, report);
  for (const auto& header : proto.rate_limited_retry_back_off().reset_headers()) {
    made->reset_headers.push_back(
        {asciiLower(header.name()), header.format() == route::RetryPolicy::UNIX_TIMESTAMP});
  }
  if (proto.rate_limited_retry_back_off().has_max_interval()) {
    const FieldPath at = path.at("rate_limited_retry_back_off");
    made->reset_max = readDuration(proto.rate_limited_retry_back_off().max_interval(),
                                   at.at("max_interval"), report);
  }
  if (proto.host_selection_retry_max_attempts() != 0) {
    made->host_selection_attempts = proto.host_selection_retry_max_attempts();
  }
  if (proto.has_retry_priority()) report.notYet(path.at("retry_priority"));
  for (int i = 0; i < proto.retry_host_predicate_size(); ++i) {
    const auto& predicate = proto.retry_host_predicate(i);
    if (predicate.typed_config().type_url().ends_with(kPreviousHosts)) {
      made->avoids_previous_hosts = true;
    } else {
      report.notYet(path.at("retry_host_predicate", i));
    }
  }
  if (proto.refresh_cluster_on_retry()) report.refuse(path.at("refresh_cluster_on_retry"));
  if (proto.retry_options_predicates_size() != 0) {
    report.notYet(path.at("retry_options_predicates"));
  }
  return made;
}

}  // namespace weir::router
