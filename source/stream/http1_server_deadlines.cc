// How long a connection may be idle, send a head, live, or take to close: one timer for the nearest
// of its deadlines. Exchanges and tunnels have deadlines of their own.
#include <algorithm>
#include <utility>

#include "source/stream/http1_server.h"

namespace weir::stream {

// The response is complete and the connection ends with it. What the client still sends is read and
// dropped for a while: closing at once would reset the connection and could destroy the response
// on its way (RFC 9112 §9.6).
void Http1Server::linger() {
  state_ = State::Lingering;
  since_ = services_.loop.now();
  connection_->finishWriting();
  if (!connection_->isOpen()) return;
  unsent_ = connection_->queued();
  if (peer_gone_ && connection_->writeFinished()) return close();
  connection_->resumeRead();
  armTimer();
}

void Http1Server::armTimer() {
  std::chrono::milliseconds wait = plan_->idle_timeout;
  if (state_ == State::Head && head_partial_) wait = plan_->request_headers_timeout;
  if (state_ == State::Lingering) wait = plan_->delayed_close_timeout;
  net::SteadyTime deadline = net::SteadyTime::max();
  if (state_ == State::Lingering || wait.count() != 0) deadline = since_ + wait;
  if (const auto most = plan_->max_connection_duration; most.count() != 0 && !last_) {
    deadline = std::min(deadline, accepted_ + most);
  }
  if (leaving_ && isIdle()) deadline = std::min(deadline, services_.loop.now() + kQuiet);
  if (deadline != net::SteadyTime::max()) timer_.arm(services_.loop.timers(), deadline);
}

void Http1Server::leave() {
  leaving_ = true;
  if (isIdle()) armTimer();
}

void Http1Server::onTimer() {
  const net::SteadyTime now = services_.loop.now();
  if (state_ == State::Lingering) {
    // A slow reader gets the whole response, as long as it reads at all.
    if (connection_->queued() < std::exchange(unsent_, connection_->queued())) {
      since_ = now;
      return armTimer();
    }
    plan_->stats.cx_delayed_close_timeout.add();
    return close();
  }
  const auto most = plan_->max_connection_duration;
  if (most.count() != 0 && accepted_ + most <= now && !last_) {
    plan_->stats.cx_max_duration_reached.add();
    return drain();
  }
  if (exchange_ != nullptr || tunnel_ != nullptr) return;  // they have deadlines of their own
  if (head_partial_) {
    const auto wait = plan_->request_headers_timeout;
    if (wait.count() == 0) return;
    if (since_ + wait > now) return armTimer();
    plan_->stats.rq_header_timeout.add();
    openExchange();
    return exchange_->onRequestTimeout("request header timeout", "request_header_timeout");
  }
  if (leaving_ && since_ + kQuiet <= now && connections_.leavesNow()) {
    plan_->stats.cx_drain_close.add();
    return close();
  }
  const auto idle = plan_->idle_timeout;
  if (idle.count() == 0 || since_ + idle > now) return armTimer();
  plan_->stats.cx_idle_timeout.add();
  close();
}

}  // namespace weir::stream
