#include "source/cluster/pool/http2_client.h"

#include <algorithm>
#include <utility>

#include "source/cluster/pool/pool.h"
#include "source/http2/send_output.h"

namespace weir::cluster {
namespace {

// The worker's: outputs live for a turn, so all clients share it.
thread_local ChunkPool t_chunks;

// Knuth's MMIX generator: enough to spread pings.
uint64_t draw() {
  thread_local uint64_t state = 1;
  return (state = state * 6364136223846793005u + 1442695040888963407u) >> 32;
}

Http2ClientStream& of(codec::Http2Stream& stream) {
  return static_cast<Http2ClientStream&>(stream);
}

}  // namespace

Http2Client::Http2Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began)
    : Client(pool, std::move(connection), began),
      session_(pool.cluster().http2().codec, t_chunks, *this),
      keepalive_(pool.cluster().http2().keepalive),
      timer_(*this),
      idle_since_(loop().now()) {
  connection_->setUser(*this);
  session_.start();
  keepalive_.start(idle_since_, draw());
  armTimer();
}

// With its pool: nobody is left to be told.
Http2Client::~Http2Client() {
  lost_ = {Side::Weir, FailureKind::Cancelled, Retry::Never, "shut down"};
  closed_ = true;
  session_.abandon({});
  while (waiting_ != nullptr) waiting_->fail(lost_);
  loop().cancelTurnEnd(*this);
}

const http2::Stats& Http2Client::stats() const { return pool_.cluster().stats().http2; }

codec::ClientStream& Http2Client::begin(codec::ClientStreamUser& user, ByteMeter& bytes) {
  stats().streams_active.add();
  auto* stream = new Http2ClientStream(*this, user, bytes, served_ != 0);
  ++served_;
  if (keepalive_.onRequest(loop().now())) {
    session_.ping(http2::Keepalive::kOpaque);
    armTimer();
  }
  return *stream;
}

bool Http2Client::hasRoom() const { return !closed_ && !retired_ && session_.canOpen(); }

bool Http2Client::open(Http2ClientStream& stream, const RequestHead& head, bool end) {
  const bool opened = session_.open(stream, head, end);
  const uint64_t most = pool_.cluster().settings().max_requests_per_connection;
  if (most != 0 && served_ >= most && !std::exchange(retired_, true)) {
    pool_.cluster().stats().cx_max_requests.add();
  }
  if (!hasRoom()) pool_.onNoRoom(*this);
  return opened;
}

void Http2Client::onRequestEnd() { pool_.onRequestEnd(); }

void Http2Client::onStreamEnd(Http2ClientStream& stream) {
  loop().destroyLater(&stream);
  stats().streams_active.sub();
  if (closed_) return;
  if (session_.streamCount() == 0) {
    idle_since_ = loop().now();
    if (retired_ || session_.isSpent()) return loop().atTurnEnd(*this);
    armTimer();
  }
  noteRoom();
}

void Http2Client::noteRoom() {
  if (closed_) return;
  if (!hasRoom()) return pool_.onNoRoom(*this);
  pool_.onRoom(*this);
  pool_.offer(*this);
}

void Http2Client::failLater(Http2ClientStream& stream, std::string_view why) {
  stream.failing_for = why;
  stream.next_failing = std::exchange(failing_, &stream);
  loop().atTurnEnd(*this);
}

void Http2Client::wait(Http2ClientStream& stream) {
  stream.next_waiting = std::exchange(waiting_, &stream);
}

void Http2Client::forget(Http2ClientStream& stream) {
  for (Http2ClientStream** at = &waiting_; *at != nullptr; at = &(*at)->next_waiting) {
    if (*at != &stream) continue;
    *at = stream.next_waiting;
    return;
  }
}

void Http2Client::onPeerSettings() {
  while (waiting_ != nullptr) {
    std::exchange(waiting_, waiting_->next_waiting)->onServerKnown();
  }
  noteRoom();
}

void Http2Client::retire() {
  retired_ = true;
  if (idle()) return close();
  pool_.onNoRoom(*this);
}

size_t Http2Client::onInput(char* data, size_t size) {
  keepalive_.onInput(loop().now());
  session_.onSent(connection_->queued());
  const size_t taken = session_.receive({data, size});
  if (!session_.expectsMore()) connection_->expectNothing();
  return closed_ ? size : taken;
}

Arena& Http2Client::arenaOf(codec::Http2Stream& stream) { return of(stream).arena(); }

void Http2Client::onInterim(codec::Http2Stream& stream, ResponseHead& head) {
  of(stream).onInterim(head);
}

void Http2Client::onResponse(codec::Http2Stream& stream, ResponseHead& head, bool end) {
  of(stream).onResponse(head, end);
}

void Http2Client::onBody(codec::Http2Stream& stream, std::string_view data, bool end) {
  of(stream).onBody(data, end);
}

void Http2Client::onTrailers(codec::Http2Stream& stream, Fields& trailers) {
  stats().trailers.add();
  of(stream).onTrailers(trailers);
}

void Http2Client::onWritable(codec::Http2Stream& stream) { of(stream).onWritable(); }

void Http2Client::onClosed(codec::Http2Stream& stream) { of(stream).onClosed(); }

void Http2Client::onReset(codec::Http2Stream& stream, const codec::Http2Error& error) {
  if (!lost_ && !session_.failed()) stats().count(error);
  of(stream).onReset(error);
}

void Http2Client::onGoaway(uint32_t, codec::Http2Code) {
  pool_.cluster().stats().cx_close_notify.add();
  noteRoom();
  loop().atTurnEnd(*this);
}

void Http2Client::onPingAck(uint64_t opaque) {
  if (opaque != http2::Keepalive::kOpaque) return;
  keepalive_.onAck(loop().now(), draw());
  armTimer();
}

// The streams have been told; the GOAWAY leaves at the turn's end.
void Http2Client::onConnectionError(const codec::Http2Error& error) {
  stats().count(error);
  stats().goaway_sent.add();
  pool_.cluster().stats().cx_protocol_error.add();
  pool_.onNoRoom(*this);
  loop().atTurnEnd(*this);
}

void Http2Client::onTurnEnd() {
  while (failing_ != nullptr) {
    Http2ClientStream& stream = *std::exchange(failing_, failing_->next_failing);
    stream.fail({Side::Upstream, FailureKind::ProtocolError, Retry::Never, stream.failing_for});
  }
  if (closed_ || (http2::mayWait(session_) && loop().awaitRoundEnd(*this))) return;
  write();
  if (!closed_ && idle() && (retired_ || session_.isSpent())) close();
}

// The one write of the turn, or of the round.
void Http2Client::write() {
  if (session_.output().empty()) return;
  http2::sendOutput(session_, *connection_);
  if (closed_) return;  // the socket failed
  session_.clearOutput();
  session_.onSent(connection_->queued());
}

void Http2Client::onWritable() {
  session_.onSent(connection_->queued());
  for (codec::Http2Stream* stream : session_.openStreams()) {
    if (stream->isOpen()) of(*stream).onWritable();
  }
}

void Http2Client::onInputEnd() {
  lose({Side::Upstream, FailureKind::ConnectionClosed, Retry::Never,
        "upstream closed the connection"},
       true);
}

void Http2Client::onFailed(const Failure& failure) { lose(failure, true); }

// All exchanges fail; their users hear of it when the pool knows.
void Http2Client::lose(const Failure& why, bool by_peer) {
  if (std::exchange(closed_, true)) return;
  lost_ = why;
  timer_.disarm();
  connection_->close();
  const ClusterStats& stats = pool_.cluster().stats();
  (by_peer ? stats.cx_destroy_remote : stats.cx_destroy_local).add();
  if (!idle()) {
    stats.cx_destroy_with_active_rq.add();
    (by_peer ? stats.cx_destroy_remote_with_active_rq : stats.cx_destroy_local_with_active_rq)
        .add();
  }
  pool_.onClosed(*this);
  session_.abandon({});
  session_.clearOutput();
  while (waiting_ != nullptr) waiting_->fail({why.side, why.kind, Retry::Safe, why.detail});
}

// With nothing on it.
void Http2Client::close() {
  if (closed_) return;
  session_.shutdown();
  write();
  lose({Side::Weir, FailureKind::Cancelled, Retry::Never, "closed"}, false);
}

void Http2Client::armTimer() {
  net::SteadyTime next = keepalive_.deadline();
  const auto wait = pool_.cluster().settings().idle_timeout;
  if (idle() && wait.count() != 0) next = std::min(next, idle_since_ + wait);
  if (next != net::SteadyTime::max()) timer_.arm(loop().timers(), next);
}

void Http2Client::onTimer() {
  const net::SteadyTime now = loop().now();
  const ClusterStats& cluster = pool_.cluster().stats();
  const auto wait = pool_.cluster().settings().idle_timeout;
  if (idle() && wait.count() != 0 && idle_since_ + wait <= now) {
    cluster.cx_idle_timeout.add();
    return close();
  }
  switch (keepalive_.onTimer(now)) {
    case http2::Keepalive::Action::Dead:
      stats().keepalive_timeout.add();
      return lose({Side::Upstream, FailureKind::ConnectionClosed, Retry::Never,
                   "no answer to keep-alive pings"},
                  false);
    case http2::Keepalive::Action::Ping:
      session_.ping(http2::Keepalive::kOpaque);
      break;
    case http2::Keepalive::Action::None:
      break;
  }
  armTimer();
}

}  // namespace weir::cluster
