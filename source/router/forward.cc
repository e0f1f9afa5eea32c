#include "source/router/forward.h"

#include <utility>

namespace weir::router {
namespace {

constexpr size_t kHoldMark = 64 * 1024;

bool isIdempotent(Method method) {  // RFC 9110 §9.2.2
  switch (method) {
    case Method::Get:
    case Method::Head:
    case Method::Put:
    case Method::Delete:
    case Method::Options:
    case Method::Trace:
      return true;
    default:
      return false;
  }
}

ForwardFailure describeOverflow(const Failure& failure) {
  return {failure,
          ResponseFlag::UpstreamOverflow,
          503,
          "upstream_reset_before_response_started{overflow}",
          "upstream connect error or disconnect/reset before headers. reset reason: overflow",
          true};
}

// Envoy's words, so that dashboards and clients that look for them go on working.
ForwardFailure describe(const Failure& failure, bool response_started) {
  switch (failure.kind) {
    case FailureKind::ConnectFailed:
      return {failure, ResponseFlag::UpstreamConnectionFailure, 503,
              "upstream_reset_before_response_started{remote_connection_failure}",
              "upstream connect error or disconnect/reset before headers. reset reason: remote "
              "connection failure"};
    case FailureKind::ConnectTimeout:
      return {failure, ResponseFlag::UpstreamConnectionFailure, 503,
              "upstream_reset_before_response_started{connection_timeout}",
              "upstream connect error or disconnect/reset before headers. reset reason: connection "
              "timeout"};
    case FailureKind::ProtocolError:
      return {failure, ResponseFlag::UpstreamProtocolError, 502,
              response_started ? "upstream_reset_after_response_started{protocol_error}"
                               : "upstream_reset_before_response_started{protocol_error}",
              "upstream connect error or disconnect/reset before headers. reset reason: protocol "
              "error"};
    default:
      return {failure, ResponseFlag::UpstreamConnectionTermination, 503,
              response_started ? "upstream_reset_after_response_started{connection_termination}"
                               : "upstream_reset_before_response_started{connection_termination}",
              "upstream connect error or disconnect/reset before headers. reset reason: connection "
              "termination"};
  }
}

}  // namespace

void Forward::start(cluster::WorkerCluster& cluster, net::Loop& loop, const RequestHead& head,
                    bool end, uint64_t random) {
  cluster_ = &cluster;
  loop_ = &loop;
  head_ = &head;
  headers_only_ = held_end_ = end;
  random_ = random;
  info_.cluster = cluster.cluster().name();
  info_.cluster_metadata = cluster.cluster().settings().metadata.get();
  tryEndpoint();
}

void Forward::tryEndpoint() {
  cluster::Http1Pool* pool = cluster_->choose(random_);
  if (pool == nullptr) {
    cluster_->cluster().stats().cx_none_healthy.add();
    const Failure failure{Side::Upstream, FailureKind::ConnectFailed, Retry::Never, "no endpoint"};
    finish();
    info_.upstream_failure = failure;
    return user_.onForwardFailure({failure, ResponseFlag::NoHealthyUpstream, 503,
                                   "no_healthy_upstream", "no healthy upstream"});
  }
  endpoint_ = &pool->endpoint();
  ++info_.attempts;
  undecided_ = true;
  status_ = 0;
  tried_at_ = loop_->now();
  nameEndpoint();
  // Not one that may be as stale as the last.
  pool->acquire(*this, retries_ != 0);
}

// Copies: the endpoint may be gone before the stream is logged.
void Forward::nameEndpoint() {
  Arena& arena = user_.forwardArena();
  const std::string_view host = arena.copy(endpoint_->text);
  const std::string_view name =
      endpoint_->hostname.empty() ? host : arena.copy(endpoint_->hostname);
  if (info_.attempts > 1) {
    const auto append = [&arena](std::string_view& list, std::string_view first,
                                 std::string_view last) {
      list = arena.copy(std::string(list.empty() ? first : list).append(",").append(last));
    };
    append(info_.upstream_hosts_attempted, info_.upstream_host, host);
    append(info_.upstream_names_attempted, info_.upstream_host_name, name);
  }
  info_.upstream_host = host;
  info_.upstream_host_name = name;
}

void Forward::onPoolReady(cluster::Http1Client& client) {
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  stats.rq_total.add();
  stats.rq_active.add();
  counted_ = true;
  endpoint_->counts.rq_total.fetch_add(1, std::memory_order_relaxed);
  endpoint_->counts.rq_active.fetch_add(1, std::memory_order_relaxed);
  info_.upstream_local = user_.forwardArena().copy(client.localText());
  stream_ = &client.begin(*this, info_.upstream);
  info_.first_upstream_tx = sent_at_ = loop_->now();
  if (response_paused_) stream_->pauseResponse();
  user_.onForwardEndpoint(endpoint_->hostname);
  stream_->sendHead(*head_, headers_only_);
  if (headers_only_) {
    info_.last_upstream_tx = sent_at_;
    request_sent_ = true;
    return;
  }
  sendHeld();
}

void Forward::sendHeld() {
  if (!held_.empty() || held_end_) {
    const std::string held = std::exchange(held_, {});
    stream_->sendBody(held, held_end_ && trailers_ == nullptr);
    loop_->flushTurn();
  }
  if (stream_ == nullptr) return;  // the flush failed, and the failure was told
  if (trailers_ != nullptr) stream_->sendTrailers(*trailers_);
  request_sent_ = held_end_ || trailers_ != nullptr;
  if (request_sent_) info_.last_upstream_tx = loop_->now();
  user_.onForwardWritable();
}

void Forward::body(std::string_view data, bool end) {
  if (stream_ == nullptr) {
    held_.append(data);
    held_end_ = end;
    return;
  }
  if (end) {
    request_sent_ = true;
    info_.last_upstream_tx = loop_->now();
  }
  stream_->sendBody(data, end);
}

void Forward::trailers(const Fields& trailers) {
  if (stream_ == nullptr) {
    trailers_ = &trailers;
    return;
  }
  request_sent_ = true;
  info_.last_upstream_tx = loop_->now();
  stream_->sendTrailers(trailers);
}

bool Forward::congested() const {
  if (stream_ != nullptr) return stream_->congested();
  return cluster_ != nullptr && held_.size() >= kHoldMark;
}

void Forward::pauseResponse() {
  response_paused_ = true;
  if (stream_ != nullptr) stream_->pauseResponse();
}

void Forward::resumeResponse() {
  response_paused_ = false;
  if (stream_ != nullptr) stream_->resumeResponse();
}

// The exchange with this endpoint is over, however it went.
void Forward::finish() {
  stream_ = nullptr;
  if (!std::exchange(counted_, false)) return;
  cluster_->cluster().stats().rq_active.sub();
  endpoint_->counts.rq_active.fetch_sub(1, std::memory_order_relaxed);
}

void Forward::cancel(const Failure& why) {
  if (cluster_ == nullptr) return;
  if (undecided_ && why) tell(why, 0, false);
  leaveQueue();
  if (stream_ != nullptr) {
    cluster_->cluster().stats().rq_cancelled.add();
    std::exchange(stream_, nullptr)->detach();
  }
  finish();
  cluster_ = nullptr;
}

void Forward::countTimeout() {
  if (cluster_ == nullptr) return;
  cluster_->cluster().stats().rq_timeout.add();
  if (endpoint_ != nullptr) endpoint_->counts.rq_timeout.fetch_add(1, std::memory_order_relaxed);
  if (!undecided_ && stream_ == nullptr) return;
  tell({Side::Upstream, FailureKind::Timeout, Retry::Never, "response timeout"}, status_, false);
}

void Forward::tell(const Failure& failure, uint16_t status, bool will_retry) {
  undecided_ = false;
  info_.upstream_failure = failure;
  user_.onForwardAttempt({.endpoint = info_.upstream_host,
                          .failure = failure,
                          .status = status,
                          .duration = loop_->now() - tried_at_,
                          .will_retry = will_retry});
}

void Forward::onUpstreamInterim(ResponseHead& head) { user_.onForwardInterim(head); }

void Forward::onUpstreamHead(ResponseHead& head, bool end) {
  response_started_ = true;
  status_ = head.status;
  tell({}, status_, false);
  info_.first_upstream_rx = loop_->now();
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  if (retries_ != 0) stats.rq_retry_success.add();
  stats.countStatus(head.status);
  stats.rq_time.record(
      static_cast<uint64_t>((loop_->now() - sent_at_) / std::chrono::microseconds(1)));
  auto& counts = endpoint_->counts;
  (head.status < 500 ? counts.rq_success : counts.rq_error).fetch_add(1, std::memory_order_relaxed);
  if (end) {
    info_.last_upstream_rx = info_.first_upstream_rx;
    finish();
  }
  user_.onForwardHead(head, end);
}

void Forward::onUpstreamBody(std::string_view data, bool end) {
  if (end) {
    info_.last_upstream_rx = loop_->now();
    finish();
  }
  user_.onForwardBody(data, end);
}

void Forward::onUpstreamTrailers(Fields& trailers) {
  info_.last_upstream_rx = loop_->now();
  finish();
  user_.onForwardTrailers(trailers);
}

// A connection that was kept may be closed by its origin just as a request is sent. Nothing of an
// answer came, so an idempotent request without a body is sent once more, on a new connection.
// RFC 9110 §9.2.2.
bool Forward::mayRetry(const Failure& failure) const {
  return failure.retry == Retry::IfReused && headers_only_ && isIdempotent(head_->method) &&
         retries_ == 0;
}

void Forward::onUpstreamFailure(const Failure& failure) {
  const bool again = mayRetry(failure);
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  stats.rq_rx_reset.add();
  tell(failure, status_, again);
  if (!again) endpoint_->counts.rq_error.fetch_add(1, std::memory_order_relaxed);
  finish();
  if (!again) return report(failure, false);
  ++retries_;
  stats.rq_retry.add();
  tryEndpoint();
}

void Forward::onPoolFailure(const Failure& failure, bool overflow) {
  tell(failure, 0, false);
  if (!overflow) endpoint_->counts.rq_error.fetch_add(1, std::memory_order_relaxed);
  report(failure, overflow);
}

void Forward::report(const Failure& failure, bool overflow) {
  finish();
  user_.onForwardFailure(overflow ? describeOverflow(failure)
                                  : describe(failure, response_started_));
}

}  // namespace weir::router
