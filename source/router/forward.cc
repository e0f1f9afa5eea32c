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

}  // namespace

void Forward::start(cluster::WorkerCluster& cluster, net::Loop& loop, const RequestHead& head,
                    bool end, uint64_t random, cluster::Priority priority,
                    std::unique_ptr<Tries> tries) {
  use_ = cluster::ClusterUse(cluster);
  cluster_ = &cluster;
  loop_ = &loop;
  head_ = &head;
  headers_only_ = held_end_ = end;
  random_ = random;
  priority_ = priority;
  tries_ = std::move(tries);
  if (tries_ != nullptr) tries_->attach(*this, loop);
  info_.cluster = cluster.cluster().name();
  const cluster::ClusterSettings& settings = cluster.cluster().settings();
  info_.cluster_metadata = settings.metadata.get();
  if (settings.names) server_name_ = settings.names->of(head, arena());
  tryEndpoint();
}

void Forward::tryEndpoint() {
  cluster::Pool* pool = chooseEndpoint();
  if (pool == nullptr) {
    cluster_->cluster().stats().cx_none_healthy.add();
    const ForwardFailure failure = describeNoEndpoint();
    info_.upstream_failure = failure.failure;
    return report(failure);
  }
  if (ends_connect_) return carrier_.startTcp(*cluster_, *pool, priority_, *loop_);
  carrier_.start(*cluster_, *pool, fresh_);
}

cluster::Pool* Forward::chooseEndpoint() {
  cluster::Pool* pool = cluster_->choose(random_, priority_, info_.protocol, server_name_, wanted_);
  if (tries_ == nullptr || pool == nullptr) return pool;
  for (int64_t asked = 0; tries_->avoids(pool->endpoint(), asked); ++asked) {
    drawAgain();
    pool = cluster_->choose(random_, priority_, info_.protocol, server_name_, wanted_);
    if (pool == nullptr) return nullptr;  // in a panic, of those that are to fail
  }
  tries_->noteEndpoint(pool->endpoint());
  return pool;
}

// Knuth's MMIX generator: enough to choose another endpoint and a pause.
void Forward::drawAgain() { random_ = random_ * 6364136223846793005u + 1442695040888963407u; }

void Forward::onReady() {
  user_.onForwardEndpoint(carrier_.endpoint()->hostname);
  carrier_.sendHead(*head_, headers_only_);
  if (!headers_only_) return sendHeld();
  if (tries_ != nullptr) tries_->onRequestSent();
}

void Forward::sendHeld() {
  const uint32_t attempt = info_.attempts;
  if (!held_.empty() || held_end_) {
    const bool keeps = keepsBody();
    const std::string once = keeps ? std::string() : std::exchange(held_, {});
    carrier_.sendBody(keeps ? held_ : once, held_end_ && trailers_ == nullptr);
    loop_->flushTurn();
  }
  // The flush failed, and the failure was told; another attempt may be under way.
  if (!carrier_.connected() || info_.attempts != attempt) return;
  if (trailers_ != nullptr) carrier_.sendTrailers(*trailers_);
  if (tries_ != nullptr && (held_end_ || trailers_ != nullptr)) tries_->onRequestSent();
  user_.onForwardWritable();
}

void Forward::body(std::string_view data, bool end) {
  held_end_ = end;
  if (tries_ != nullptr) noteBody(data);
  if (!carrier_.connected()) {
    held_.append(data);
    return;
  }
  carrier_.sendBody(data, end);
  if (tries_ != nullptr && end && carrier_.connected()) tries_->onRequestSent();
}

// Keeps the piece for another attempt; a body that is too long for that has no other one but the
// one that may be on its way.
void Forward::noteBody(std::string_view data) {
  tries_->onActivity();
  if (!keepsBody()) return;
  if (tries_->fits(held_.size() + data.size())) {
    if (carrier_.connected()) held_.append(data);
    return;
  }
  cluster_->cluster().stats().retry_or_shadow_abandoned.add();
  tries_->retries().forbid();
  if (carrier_.connected()) held_ = {};
}

void Forward::trailers(const Fields& trailers) {
  trailers_ = &trailers;
  if (!carrier_.connected()) return;
  carrier_.sendTrailers(trailers);
  if (tries_ != nullptr && carrier_.connected()) tries_->onRequestSent();
}

bool Forward::congested() const {
  if (carrier_.connected()) return carrier_.congested();
  return cluster_ != nullptr && held_.size() >= kHoldMark;
}

void Forward::cancel(const Failure& why) {
  if (cluster_ == nullptr) return;
  if (why && carrier_.undecided()) tell(why, false);
  if (tries_ != nullptr) tries_->stop();
  carrier_.cancel();
  cluster_ = nullptr;
}

HandedStream Forward::handOver(codec::ClientStreamUser& user, ByteMeter& bytes) {
  if (tries_ != nullptr) tries_->stop();
  cluster_ = nullptr;
  return carrier_.handOver(user, bytes);
}

void Forward::countTimeout() {
  if (cluster_ == nullptr) return;
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  stats.rq_timeout.add();
  if (!carrier_.responseStarted()) stats.countStatus(504);
  carrier_.countTimeout();
  if (!carrier_.undecided() && !carrier_.connected()) return;  // between two attempts
  tell({Side::Upstream, FailureKind::Timeout, Retry::Never, "response timeout"}, false);
}

void Forward::tell(const Failure& failure, bool will_retry) {
  info_.upstream_failure = failure;
  user_.onForwardAttempt(carrier_.outcome(failure, will_retry));
}

bool Forward::askTries(const ResponseHead& head) {
  const WallTime now =
      info_.start_wall + std::chrono::duration_cast<WallTime::duration>(loop_->now() - info_.start);
  const Retries::Answer answer = tries_->retries().afterHead(head, now);
  if (answer != Retries::Answer::Yes) {
    noteAnswer(answer);
    return false;
  }
  tell({}, true);
  return true;
}

void Forward::noteAnswer(Retries::Answer answer) {
  if (answer == Retries::Answer::Overflow) info_.flags.set(ResponseFlag::UpstreamOverflow);
  if (answer == Retries::Answer::LimitExceeded) {
    info_.flags.set(ResponseFlag::UpstreamRetryLimitExceeded);
  }
}

void Forward::retry() {
  tries_->endAttempt();
  carrier_.cancel();
  drawAgain();
  tries_->pause(random_);
}

void Forward::onHead(ResponseHead& head, bool end) {
  if (tries_ != nullptr) end ? tries_->stop() : tries_->onHead();
  tell({}, false);
  if (repeated_) cluster_->cluster().stats().rq_retry_success.add();
  user_.onForwardHead(head, end);
}

void Forward::onBody(std::string_view data, bool end) {
  if (tries_ != nullptr) end ? tries_->stop() : tries_->onActivity();
  user_.onForwardBody(data, end);
}

void Forward::onTrailers(Fields& trailers) {
  if (tries_ != nullptr) tries_->stop();
  user_.onForwardTrailers(trailers);
}

// A connection that was kept may be closed by its origin just as a request is sent. Nothing of an
// answer came, so an idempotent request without a body is sent once more, on a new connection.
// RFC 9110 §9.2.2. One that an HTTP/2 origin says it never looked at may be any (RFC 9113 §8.7).
bool Forward::isSafeToRepeat(const Failure& failure) const {
  if (!headers_only_ || repeated_ || carrier_.responseStarted()) return false;
  if (failure.kind == FailureKind::StreamRefused) return true;
  return failure.retry == Retry::IfReused && isIdempotent(head_->method);
}

void Forward::onFailure(const Failure& failure, bool overflow) {
  fresh_ = true;  // not a connection that may be as stale as the last
  if (isSafeToRepeat(failure)) {
    tell(failure, true);
    repeated_ = true;
    cluster_->cluster().stats().rq_retry.add();
    return tryEndpoint();
  }
  const bool started = carrier_.responseStarted();
  if (!overflow) carrier_.countError();
  const bool again = !started && asksForAnother(failure);
  tell(failure, again);
  if (again) return retry();
  report(overflow ? describeOverflow(failure) : describe(failure, started));
}

bool Forward::asksForAnother(const Failure& failure) {
  if (tries_ == nullptr) return false;
  const auto answer = tries_->retries().afterFailure(failure, carrier_.requestBegun());
  noteAnswer(answer);
  return answer == Retries::Answer::Yes;
}

void Forward::onTryTimeout(bool idle) {
  const ForwardFailure late = describeTryTimeout(idle);
  const cluster::ClusterStats& stats = cluster_->cluster().stats();
  (idle ? stats.rq_per_try_idle_timeout : stats.rq_per_try_timeout).add();
  carrier_.countTimeout();
  fresh_ = true;
  const bool again = !carrier_.responseStarted() && asksForAnother(late.failure);
  tell(late.failure, again);
  if (again) return retry();
  report(late);
}

void Forward::report(ForwardFailure failure) {
  if (tries_ != nullptr) tries_->stop();
  if (!carrier_.responseStarted()) cluster_->cluster().stats().countStatus(failure.status);
  carrier_.cancel();
  if (!failure.reset_reason.empty()) {
    // A request that was only sent again for a stale connection counts as tried once, as in Envoy.
    const uint32_t asked_for = info_.attempts - (repeated_ ? 1 : 0);
    const std::string_view retried = asked_for > 1 ? "retried and the latest " : "";
    failure.body = arena().copy(std::string(failure.body)
                                    .append(retried)
                                    .append("reset reason: ")
                                    .append(failure.reset_reason));
  }
  if (isTlsFailure(failure.failure)) tellTlsReason(failure, arena());
  user_.onForwardFailure(failure);
}

}  // namespace weir::router
