#include "source/stream/http2_server.h"

#include <algorithm>
#include <utility>

#include "source/http2/send_output.h"
#include "source/stream/shedding.h"

namespace weir::stream {
namespace {

constexpr uint64_t kDrainPing = 0x776569722d647261;  // "weir-dra"

Http2ServerStream& of(codec::Http2Stream& stream) {
  return static_cast<Http2ServerStream&>(stream);
}

}  // namespace

Http2Server::Http2Server(Services& services, std::shared_ptr<const Hcm> hcm,
                         transport::ServerConnections& connections,
                         transport::ConnectionPtr connection, Client client)
    : services_(services),
      hcm_(std::move(hcm)),
      plan_(hcm_->plan()),
      connections_(connections),
      connection_(std::move(connection)),
      session_(plan_->http2.codec, services.chunks, *this),
      keepalive_(plan_->http2.keepalive),
      timer_(*this),
      since_(services.loop.now()),
      forgiven_(since_),
      client_(std::move(client)) {
  connection_->setUser(*this);
  connection_->countInto(&plan_->stats.bytes);
  plan_->stats.cx_http2_total.add();
  plan_->stats.cx_http2_active.add();
  session_.start();
  keepalive_.start(since_, services_.random.next());
  armTimer();
}

Http2Server::~Http2Server() = default;

size_t Http2Server::onInput(char* data, size_t size) {
  if (state_ != State::Open) return size;  // lingering: nobody reads it any more
  keepalive_.onInput(services_.loop.now());
  forgiveResets();
  session_.onSent(connection_->queued());
  const size_t taken = session_.receive({data, size});
  if (state_ != State::Open) return taken;
  notePartial(taken < size || session_.insideBlock());
  // Who is going to write finds a reset then.
  if (session_.streamCount() != 0 && !session_.expectsMore()) connection_->expectNothing();
  return taken;
}

void Http2Server::forgiveResets() {
  const auto seconds = (services_.loop.now() - forgiven_) / std::chrono::seconds(1);
  if (seconds == 0) return;
  forgiven_ += std::chrono::seconds(seconds);
  const uint64_t all = static_cast<uint64_t>(seconds) * plan_->http2.resets_per_second;
  session_.refillResets(static_cast<uint32_t>(std::min<uint64_t>(all, UINT32_MAX)));
}

// What has begun has to become complete within request_headers_timeout.
void Http2Server::notePartial(bool partial) {
  if (partial == std::exchange(partial_, partial) || !partial) return;
  partial_since_ = services_.loop.now();
  armTimer();
}

Http2Server::Place Http2Server::onRequestBegin() {
  auto* stream = new Http2ServerStream(*this);
  plan_->stats.rq_http2_total.add();
  plan_->http2_stats.streams_active.add();
  return {*stream, stream->request()};
}

void Http2Server::onRequest(codec::Http2Stream& stream, bool end) {
  ++served_;
  const uint64_t most = plan_->max_requests_per_connection;
  if (most != 0 && served_ == most) plan_->stats.cx_max_requests_reached.add();
  const bool enough = most != 0 && served_ >= most;
  if (drain_ == Drain::No && (enough || endsConnection(services_, *plan_))) drain();
  if (leaving_) leave();
  of(stream).onRequest(end);
}

void Http2Server::onRequestRejected(codec::Http2Stream& stream, const codec::Http2Error& error) {
  if (stream.isOpen()) plan_->http2_stats.count(error);
  of(stream).onRejected(error);
}

Arena& Http2Server::arenaOf(codec::Http2Stream& stream) { return of(stream).arena(); }

void Http2Server::onBody(codec::Http2Stream& stream, std::string_view data, bool end) {
  of(stream).onBody(data, end);
}

void Http2Server::onTrailers(codec::Http2Stream& stream, Fields& trailers) {
  plan_->http2_stats.trailers.add();
  of(stream).onTrailers(trailers);
}

void Http2Server::onWritable(codec::Http2Stream& stream) { of(stream).onWritable(); }

void Http2Server::onClosed(codec::Http2Stream& stream) { of(stream).onClosed(); }

void Http2Server::onReset(codec::Http2Stream& stream, const codec::Http2Error& error) {
  if (state_ == State::Open && !session_.failed()) plan_->http2_stats.count(error);
  of(stream).onReset(error);
}

void Http2Server::onStreamEnd() {
  plan_->http2_stats.streams_active.sub();
  if (session_.streamCount() != 0 || state_ != State::Open) return;
  since_ = services_.loop.now();
  if (drain_ == Drain::Done) services_.loop.atTurnEnd(*this);
  armTimer();
}

// The GOAWAY leaves at the turn's end, which is also when the connection begins to end.
void Http2Server::onConnectionError(const codec::Http2Error& error) {
  plan_->stats.cx_protocol_error.add();
  plan_->http2_stats.count(error);
  plan_->http2_stats.goaway_sent.add();
  services_.loop.atTurnEnd(*this);
}

void Http2Server::onTurnEnd() {
  if (state_ == State::Closed) return;
  if (http2::mayWait(session_) && services_.loop.awaitRoundEnd(*this)) return;
  write();
  if (state_ != State::Open) return;
  const bool drained = drain_ == Drain::Done && session_.streamCount() == 0;
  if (session_.failed() || drained) linger();
}

// The one write of the turn, or of the round.
void Http2Server::write() {
  if (session_.output().empty()) return;
  http2::sendOutput(session_, *connection_);
  if (state_ == State::Closed) return;  // the socket failed
  session_.clearOutput();
  session_.onSent(connection_->queued());
}

void Http2Server::onWritable() {
  session_.onSent(connection_->queued());
  for (codec::Http2Stream* stream : session_.openStreams()) {
    if (stream->isOpen()) of(*stream).onWritable();
  }
}

void Http2Server::drain() {
  if (state_ != State::Open || drain_ != Drain::No || session_.failed()) return;
  drain_ = Drain::Announced;
  drain_since_ = services_.loop.now();
  session_.announceShutdown();
  session_.ping(kDrainPing);
  plan_->http2_stats.goaway_sent.add();
  plan_->stats.cx_drain_close.add();
  armTimer();
}

void Http2Server::leave() {
  leaving_ = true;
  if (drain_ != Drain::No || state_ != State::Open) return;
  if (connections_.leavesNow()) return drain();
  armTimer();
}

void Http2Server::finishDrain() {
  if (drain_ == Drain::Done || session_.failed()) return;
  drain_ = Drain::Done;
  session_.shutdown();
  plan_->http2_stats.goaway_sent.add();
}

void Http2Server::onPingAck(uint64_t opaque) {
  if (opaque == kDrainPing && drain_ == Drain::Announced) return finishDrain();
  if (opaque != http2::Keepalive::kOpaque) return;
  keepalive_.onAck(services_.loop.now(), services_.random.next());
  armTimer();
}

// All is said: what the client still sends is read and dropped for a while, as closing at once
// could destroy the GOAWAY on its way (RFC 9113 §5.4.1).
void Http2Server::linger() {
  state_ = State::Lingering;
  since_ = services_.loop.now();
  connection_->finishWriting();
  if (!connection_->isOpen()) return;
  unsent_ = connection_->queued();
  if (peer_gone_) return close();
  armTimer();
}

// Streams that are still open are lost.
void Http2Server::giveUp(codec::Http2Code code, std::string_view reason) {
  plan_->http2_stats.goaway_sent.add();
  session_.shutdown(code);
  write();
  if (state_ != State::Open) return;
  session_.abandon({.code = code, .status = 408, .reason = reason});
  linger();
}

void Http2Server::onInputEnd() {
  peer_gone_ = true;
  if (state_ == State::Open && !session_.failed()) return gone();
  if (connection_->writeFinished()) close();
}

void Http2Server::gone() {
  peer_gone_ = true;
  if (session_.streamCount() != 0) plan_->stats.cx_destroy_active_rq.add();
  close();
}

void Http2Server::close() {
  if (state_ == State::Closed) return;
  const HcmStats& stats = plan_->stats;
  (peer_gone_ ? stats.cx_destroy_remote : stats.cx_destroy_local).add();
  state_ = State::Closed;
  timer_.disarm();
  session_.abandon({.code = codec::Http2Code::NoError,
                    .status = 503,
                    .reason = peer_gone_ ? "downstream_remote_disconnect" : "local_close"});
  connection_->close();
  session_.clearOutput();
  services_.loop.cancelTurnEnd(*this);
  stats.cx_active.sub();
  stats.cx_http2_active.sub();
  stats.cx_destroy.add();
  stats.cx_length_ms.record(static_cast<uint64_t>((services_.loop.now() - client_.accepted) /
                                                  std::chrono::microseconds(1)));
  connections_.onServerClosed(*this);
  services_.loop.destroyLater(this);
}

net::SteadyTime Http2Server::nextDeadline() const {
  net::SteadyTime next = net::SteadyTime::max();
  const auto consider = [&next](net::SteadyTime from, std::chrono::milliseconds wait) {
    if (wait.count() != 0) next = std::min(next, from + wait);
  };
  if (state_ == State::Lingering) return since_ + plan_->delayed_close_timeout;
  if (session_.streamCount() == 0) consider(since_, plan_->idle_timeout);
  if (partial_) consider(partial_since_, plan_->request_headers_timeout);
  if (drain_ == Drain::No) consider(client_.accepted, plan_->max_connection_duration);
  if (drain_ == Drain::No && leaving_) consider(services_.loop.now(), kAskAgain);
  if (drain_ == Drain::Announced) next = std::min(next, drain_since_ + plan_->drain_timeout);
  return std::min(next, keepalive_.deadline());
}

void Http2Server::armTimer() {
  const net::SteadyTime deadline = nextDeadline();
  if (deadline != net::SteadyTime::max()) timer_.arm(services_.loop.timers(), deadline);
}

void Http2Server::onTimer() {
  const net::SteadyTime now = services_.loop.now();
  if (state_ == State::Lingering) {
    if (since_ + plan_->delayed_close_timeout > now) return armTimer();
    // A slow reader gets all of it, as long as it reads at all.
    if (connection_->queued() < std::exchange(unsent_, connection_->queued())) {
      since_ = now;
      return armTimer();
    }
    plan_->stats.cx_delayed_close_timeout.add();
    return close();
  }
  const auto passed = [now](net::SteadyTime from, std::chrono::milliseconds wait) {
    return wait.count() != 0 && from + wait <= now;
  };
  if (drain_ == Drain::Announced && drain_since_ + plan_->drain_timeout <= now) finishDrain();
  if (drain_ == Drain::No && passed(client_.accepted, plan_->max_connection_duration)) {
    plan_->stats.cx_max_duration_reached.add();
    drain();
  }
  if (leaving_) leave();
  if (partial_ && passed(partial_since_, plan_->request_headers_timeout)) {
    plan_->stats.rq_header_timeout.add();
    return giveUp(codec::Http2Code::EnhanceYourCalm, "request_header_timeout");
  }
  if (session_.streamCount() == 0 && passed(since_, plan_->idle_timeout)) {
    plan_->stats.cx_idle_timeout.add();
    return giveUp(codec::Http2Code::NoError, "idle_timeout");
  }
  switch (keepalive_.onTimer(now)) {
    case http2::Keepalive::Action::Dead:
      plan_->http2_stats.keepalive_timeout.add();
      return close();
    case http2::Keepalive::Action::Ping:
      session_.ping(http2::Keepalive::kOpaque);
      break;
    case http2::Keepalive::Action::None:
      break;
  }
  armTimer();
}

}  // namespace weir::stream
