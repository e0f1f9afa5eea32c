#include "source/stream/tunnel.h"

#include <algorithm>
#include <utility>

#include "source/router/forward.h"
#include "source/stream/hcm_plan.h"

namespace weir::stream {
namespace {

// Where streams count that nobody asks about.
thread_local ByteMeter t_uncounted;

}  // namespace

Tunnel::Tunnel(Services& services, std::shared_ptr<const HcmPlan> plan, ExchangeOwner& owner,
               codec::ServerStream& server, router::Forward& forward, const Limits& limits,
               TunnelRecord* record)
    : services_(services),
      plan_(std::move(plan)),
      owner_(owner),
      server_(server),
      record_(record),
      upstream_(
          forward.handOver(*this, record == nullptr ? t_uncounted : record->tunnelInfo().upstream)),
      timer_(*this),
      limits_(limits),
      last_activity_(services.loop.now()) {}

Tunnel::~Tunnel() = default;

void Tunnel::start(bool upstream_ended) {
  if (finished_) return;  // by bytes that had come before
  armTimer();
  if (upstream_ended) return onUpstreamBody({}, true);
  upstream_.stream->resumeResponse();
}

ByteMeter& Tunnel::bytes() {
  return record_ == nullptr ? t_uncounted : record_->tunnelInfo().downstream;
}

Arena& Tunnel::responseArena() {
  if (arena_ == nullptr) arena_ = std::make_unique<Arena>(services_.chunks);
  return *arena_;
}

void Tunnel::onClientBytes(std::string_view data, bool end) {
  if (finished_ || client_ended_) return;
  noteActivity();
  if (record_ != nullptr) {
    StreamInfo& info = record_->tunnelInfo();
    info.bytes_received += data.size();
    if (end) info.last_downstream_rx = info.last_upstream_tx = last_activity_;
  }
  client_ended_ = end;
  upstream_.stream->sendBody(data, end);
  if (finished_) return;
  if (client_ended_ && upstream_ended_) return finish({"via_upstream"});
  if (upstream_.stream->congested()) server_.pauseRequest();
}

void Tunnel::onUpstreamWritable() {
  noteActivity();
  server_.resumeRequest();
}

void Tunnel::onUpstreamBody(std::string_view data, bool end) {
  if (finished_) return;
  noteActivity();
  if (record_ != nullptr) {
    StreamInfo& info = record_->tunnelInfo();
    info.bytes_sent += data.size();
    if (end) info.last_upstream_rx = last_activity_;
  }
  upstream_ended_ |= end;
  server_.sendBody(data, end);
  if (finished_) return;
  if (client_ended_ && upstream_ended_) return finish({"via_upstream"});
  if (server_.congested()) upstream_.stream->pauseResponse();
}

void Tunnel::onDownstreamWritable() {
  noteActivity();
  upstream_.stream->resumeResponse();
}

void Tunnel::onUpstreamFailure(const Failure&) {
  upstream_.stats().rq_rx_reset.add();
  upstream_.stream = nullptr;
  breakOff(ResponseFlag::UpstreamConnectionTermination,
           "upstream_reset_after_response_started{connection_termination}");
}

void Tunnel::onDownstreamGone(ResponseFlag flag, std::string_view details) {
  plan_->stats.rq_rx_reset.add();
  finish({details, flag});
}

void Tunnel::armTimer() {
  net::SteadyTime deadline = limits_.until;
  if (limits_.idle.count() != 0) deadline = std::min(deadline, last_activity_ + limits_.idle);
  if (deadline != net::SteadyTime::max()) timer_.arm(services_.loop.timers(), deadline);
}

void Tunnel::onTimer() {
  const net::SteadyTime now = services_.loop.now();
  if (limits_.until <= now) {
    plan_->stats.rq_max_duration_reached.add();
    return breakOff(ResponseFlag::DurationTimeout, "max_duration_timeout");
  }
  if (limits_.idle.count() == 0 || last_activity_ + limits_.idle > now) return armTimer();
  plan_->stats.rq_idle_timeout.add();
  breakOff(ResponseFlag::StreamIdleTimeout, "stream_idle_timeout");
}

// Not by both ends: the client must notice.
void Tunnel::breakOff(ResponseFlag flag, std::string_view details) {
  if (finished_) return;
  plan_->stats.rq_tx_reset.add();
  server_.abort(codec::Abort::Broken);
  finish({details, flag});
}

void Tunnel::finish(const TunnelEnd& end) {
  if (finished_) return;
  finished_ = true;
  timer_.disarm();
  if (upstream_.stream != nullptr && !(client_ended_ && upstream_ended_)) {
    upstream_.stats().rq_tx_reset.add();
    upstream_.stream->detach();
  }
  upstream_.over();
  plan_->stats.rq_active.sub();
  plan_->stats.cx_upgrades_active.sub();
  if (record_ != nullptr) std::exchange(record_, nullptr)->onTunnelEnd(end);
  owner_.onTunnelFinished(*this);
}

}  // namespace weir::stream
