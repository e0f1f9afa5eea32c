// How long an exchange may take: one timer for the nearest of its deadlines.
#include <algorithm>

#include "source/stream/exchange.h"
#include "weir/grpc.h"

namespace weir::stream {

void Exchange::armTimer() {
  const SteadyTime deadline = nextDeadline();
  if (deadline != SteadyTime::max()) timer_.arm(services_.loop.timers(), deadline);
}

SteadyTime Exchange::nextDeadline() const {
  SteadyTime next = SteadyTime::max();
  const auto consider = [&next](SteadyTime from, std::chrono::milliseconds wait) {
    if (wait.count() != 0) next = std::min(next, from + wait);
  };
  consider(last_activity_, idle_timeout_);
  consider(info_.start, max_duration_);
  if (!request_complete_) consider(info_.start, plan_->request_timeout);
  if (request_complete_ && forwarded_) consider(info_.last_downstream_rx, timeouts_.whole);
  return next;
}

void Exchange::onTimer() {
  const SteadyTime now = services_.loop.now();
  const auto passed = [now](SteadyTime from, std::chrono::milliseconds wait) {
    return wait.count() != 0 && from + wait <= now;
  };
  const uint16_t status = request_complete_ ? 504 : 408;
  LocalReply reply{.status = status,
                   .body = {},
                   .details = {},
                   .flag = {},
                   .fields = nullptr,
                   .close = !request_complete_};
  if (request_complete_ && forwarded_ && passed(info_.last_downstream_rx, timeouts_.whole)) {
    forward_.countTimeout();
    reply.body = "upstream request timeout";
    reply.details = "response_timeout";
    reply.flag = ResponseFlag::UpstreamRequestTimeout;
  } else if (!request_complete_ && passed(info_.start, plan_->request_timeout)) {
    plan_->stats.rq_timeout.add();
    reply.body = "request timeout";
    reply.details = "request_overall_timeout";
  } else if (passed(info_.start, max_duration_)) {
    plan_->stats.rq_max_duration_reached.add();
    reply.body = "downstream duration timeout";
    reply.details = "max_duration_timeout";
    reply.flag = ResponseFlag::DurationTimeout;
    reply.grpc_status = grpc::kDeadlineExceeded;
  } else if (passed(last_activity_, idle_timeout_)) {
    plan_->stats.rq_idle_timeout.add();
    reply.body = "stream timeout";
    reply.details = "stream_idle_timeout";
    reply.flag = ResponseFlag::StreamIdleTimeout;
  } else {
    return armTimer();
  }
  localReply(reply);
}

void Exchange::onRequestTimeout(std::string_view text, std::string_view details) {
  localReply({.status = 408,
              .body = text,
              .details = details,
              .flag = {},
              .fields = nullptr,
              .close = true});
}

}  // namespace weir::stream
