#include "source/cluster/pool/http1_client.h"

#include <charconv>
#include <utility>

#include "source/cluster/pool/pool.h"
#include "source/codec/http1/encode.h"
#include "source/codec/http1/parse_head.h"
#include "source/codec/http1/write_body.h"
#include "source/transport/tls/tls_plan.h"
#include "source/transport/tls/tls_session.h"

namespace weir::cluster {

using codec::BodyKind;

namespace {

constexpr std::chrono::seconds kLingerStep{1};

}  // namespace

Http1Client::Http1Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began)
    : Client(pool, std::move(connection), began),
      timer_(*this),
      scanner_(codec::MessageType::Response, pool.cluster().settings().max_response_head_bytes) {
  connection_->setUser(*this);
  idle_since_ = connection_->loop().now();
  armIdle();
}

Http1Client::~Http1Client() = default;

codec::ClientStream& Http1Client::begin(codec::ClientStreamUser& user, ByteMeter& bytes) {
  user_ = &user;
  bytes_ = &bytes;
  state_ = State::Busy;
  in_body_ = request_done_ = response_started_ = tunnel_ended_ = false;
  trailers_ = nullptr;
  scanner_.reset();
  received_before_ = connection_->bytesIn();
  connection_->readLittle();
  // One that was made for a request which another one served first is idle for a while, too.
  reused_ = served_ != 0 || idle_since_ != connection_->loop().now();
  ++served_;
  pool_.onNoRoom(*this);
  return *this;
}

void Http1Client::sendHead(const RequestHead& head, bool end) {
  method_ = head.method;
  uint64_t length = 0;
  request_body_ = BodyKind::None;
  const bool upgrade = head.upgrade && head.fields.has(HeaderId::Upgrade);
  asks_tunnel_ = upgrade || head.method == Method::Connect;
  const auto connection =
      upgrade ? codec::ConnectionOption::Upgrade : codec::ConnectionOption::None;
  if (!end && head.method != Method::Connect) {
    request_body_ = BodyKind::Chunked;
    if (const auto text = head.fields.get(HeaderId::ContentLength)) {
      std::from_chars(text->data(), text->data() + text->size(), length);
      request_body_ = BodyKind::Length;
    }
  }
  const std::string_view text =
      codec::encodeRequestHead(head, request_body_, length, connection, head.fields.arena());
  bytes_->wire_out += text.size();
  bytes_->header_out += text.size() - codec::startLineSize(head) - 2;
  connection_->write(text);
  if (end) endRequest();
}

void Http1Client::sendBody(std::string_view data, bool end) {
  bytes_->wire_out += codec::writeBody(*connection_, request_body_, data, end);
  if (!end) return;
  endRequest();
  if (!isTunnel()) return;
  connection_->finishWriting();
  if (tunnel_ended_ && state_ == State::Busy) finishTunnel();
}

void Http1Client::setUser(codec::ClientStreamUser& user, ByteMeter& bytes) {
  user_ = &user;
  bytes_ = &bytes;
}

void Http1Client::sendTrailers(const Fields& trailers) {
  if (request_body_ == BodyKind::Chunked) {
    const std::string_view text = pool_.cluster().settings().enable_trailers
                                      ? codec::encodeTrailers(trailers, trailers.arena())
                                      : codec::kLastChunk;
    bytes_->wire_out += text.size();
    connection_->write(text);
  }
  endRequest();
}

size_t Http1Client::onInput(char* data, size_t size) {
  if (state_ != State::Busy) {  // nobody asked for anything: the connection cannot be trusted
    close();
    return size;
  }
  size_t taken = 0;
  while (taken < size && state_ == State::Busy && !connection_->readPaused()) {
    // A step that takes nothing and gives nothing wants more bytes.
    const size_t n =
        in_body_ ? readBody(data + taken, size - taken) : readHead(data + taken, size - taken);
    if (n == 0) break;
    taken += n;
  }
  if (state_ == State::Idle) {
    connection_->expectNothing();
    pool_.offer(*this);
  }
  return taken;
}

size_t Http1Client::readHead(char* data, size_t size) {
  const codec::HeadScanner::Scan scan = scanner_.scan({data, size});
  if (scan.error) {
    bytes_->wire_in += size;
    fail(FailureKind::ProtocolError, scan.error.reason);
    return size;
  }
  if (scan.size == 0) return 0;
  response_started_ = true;
  bytes_->wire_in += scan.skip + scan.size;
  left_ = size - scan.skip - scan.size;
  scanner_.reset();
  Arena& arena = user_->responseArena();
  const std::string_view copy = arena.copy({data + scan.skip, scan.size});
  auto* head = arena.make<ResponseHead>(arena);
  codec::Limits limits;
  limits.max_fields = pool_.cluster().settings().max_response_fields;
  framing_ = {};
  const codec::ParseError error = codec::parseResponseHead(
      const_cast<char*>(copy.data()), copy.size(), limits, method_, *head, framing_);
  if (error) {
    fail(FailureKind::ProtocolError, error.reason);
    return size;
  }
  bytes_->header_in += framing_.field_bytes;
  if (head->status < 200 && head->status != 101) {
    user_->onUpstreamInterim(*head);
    return scan.skip + scan.size;
  }
  if (head->status == 101 && (!asks_tunnel_ || method_ == Method::Connect)) {
    fail(FailureKind::ProtocolError, "http1.unexpected_upgrade");
    return size;
  }
  if (framing_.body == BodyKind::Tunnel) {  // the request's end was not the stream's
    request_body_ = BodyKind::Tunnel;
    request_done_ = false;
  }
  if (framing_.body == BodyKind::None) {
    auto* user = user_;
    finishResponse();
    user->onUpstreamHead(*head, true);
  } else {
    in_body_ = true;
    body_.begin(framing_, codec::MessageType::Response);
    user_->onUpstreamHead(*head, false);
  }
  return scan.skip + scan.size;
}

size_t Http1Client::readBody(char* data, size_t size) {
  const bool wants_trailers =
      framing_.body == BodyKind::Chunked && pool_.cluster().settings().enable_trailers;
  if (trailers_ == nullptr && wants_trailers) {
    Arena& arena = user_->responseArena();
    trailers_ = arena.make<Fields>(arena);
  }
  const codec::BodyDecoder::Step step = body_.step({data, size}, trailers_);
  using Step = codec::BodyDecoder::Step;
  left_ = size - step.consumed;
  bytes_->wire_in += step.consumed;
  codec::ClientStreamUser* user = user_;
  switch (step.kind) {
    case Step::NeedMore:
      break;
    case Step::Data: {
      const bool end = framing_.body == BodyKind::Length && body_.remaining() == 0;
      if (end) finishResponse();
      user->onUpstreamBody(step.data, end);
      break;
    }
    case Step::Trailers: {
      Fields* trailers = trailers_;
      finishResponse();
      if (trailers == nullptr) {  // read, and not wanted
        user->onUpstreamBody({}, true);
      } else {
        user->onUpstreamTrailers(*trailers);
      }
      break;
    }
    case Step::End:
      finishResponse();
      user->onUpstreamBody({}, true);
      break;
    case Step::Error:
      fail(FailureKind::ProtocolError, step.error.reason);
      return size;
  }
  return step.consumed;
}

// The connection goes back before the user hears of the end, so that what it does next may use it.
// Who waits for one gets it afterwards: until then the user may still let go of it.
void Http1Client::finishResponse() {
  user_ = nullptr;
  trailers_ = nullptr;
  pool_.onRequestEnd();
  const uint64_t max = pool_.cluster().settings().max_requests_per_connection;
  const bool spent = max != 0 && served_ >= max;
  if (spent) pool_.cluster().stats().cx_max_requests.add();
  // Bytes behind a response answer no request of ours: nothing on this connection can be trusted.
  if (left_ != 0 || !framing_.keep_alive || !request_done_ || spent || asks_tunnel_ ||
      framing_.body == BodyKind::UntilClose) {
    // What the request wrote this turn may still be wanted by nobody: the response is complete.
    close();
    return;
  }
  state_ = State::Idle;
  in_body_ = false;
  idle_since_ = connection_->loop().now();
  connection_->trim();
  connection_->resumeRead();
  pool_.onRoom(*this);
  if (state_ == State::Idle) armIdle();
}

// Both directions have ended. What the origin has not taken yet is its own still.
void Http1Client::finishTunnel() {
  user_ = nullptr;
  pool_.onRequestEnd();
  state_ = State::Lingering;
  lingered_at_ = 0;
  linger();
}

// As long as the origin goes on to read.
void Http1Client::linger() {
  if (connection_->writeFinished()) return close();
  timer_.arm(connection_->loop().timers(), connection_->loop().now() + kLingerStep);
}

void Http1Client::armIdle() {
  const auto idle = pool_.cluster().settings().idle_timeout;
  if (idle.count() != 0) timer_.arm(connection_->loop().timers(), connection_->loop().now() + idle);
}

void Http1Client::onInputEnd() {
  if (state_ == State::Lingering) return;
  if (state_ == State::Busy && isTunnel()) {
    auto* user = user_;
    tunnel_ended_ = true;
    if (request_done_) finishTunnel();
    return user->onUpstreamBody({}, true);
  }
  if (state_ == State::Busy && in_body_ && body_.onClose().kind == codec::BodyDecoder::Step::End) {
    auto* user = user_;
    finishResponse();
    user->onUpstreamBody({}, true);
    return;
  }
  fail(FailureKind::ConnectionClosed, response_started_
                                          ? "upstream closed in the middle of a response"
                                          : "upstream closed before a response");
}

void Http1Client::onFailed(const Failure& failure) { fail(failure.kind, failure.detail); }

void Http1Client::fail(FailureKind kind, std::string_view detail) {
  if (state_ == State::Closed) return;
  const State was = std::exchange(state_, State::Closed);
  const uint64_t bytes_in = connection_->bytesIn();
  timer_.disarm();
  connection_->close();
  const ClusterStats& stats = pool_.cluster().stats();
  if (kind == FailureKind::ProtocolError) stats.cx_protocol_error.add();
  (kind == FailureKind::ProtocolError ? stats.cx_destroy_local : stats.cx_destroy_remote).add();
  if (was == State::Busy) {
    const bool ours = kind == FailureKind::ProtocolError;
    stats.cx_destroy_with_active_rq.add();
    (ours ? stats.cx_destroy_local_with_active_rq : stats.cx_destroy_remote_with_active_rq).add();
    pool_.onRequestEnd();
  }
  pool_.onClosed(*this);
  if (user_ == nullptr) return;
  const bool unanswered = bytes_in == received_before_;
  auto* user = std::exchange(user_, nullptr);
  user->onUpstreamFailure(
      {Side::Upstream, kind, unanswered && reused() ? Retry::IfReused : Retry::Never, detail});
}

void Http1Client::detach() {
  if (user_ == nullptr) return;
  user_ = nullptr;
  pool_.cluster().stats().cx_destroy_with_active_rq.add();
  pool_.cluster().stats().cx_destroy_local_with_active_rq.add();
  pool_.onRequestEnd();
  close();
}

void Http1Client::close() {
  if (state_ == State::Closed) return;
  state_ = State::Closed;
  timer_.disarm();
  connection_->close();
  pool_.cluster().stats().cx_destroy_local.add();
  pool_.onClosed(*this);
}

void Http1Client::retire() {
  if (state_ == State::Idle) close();
}

void Http1Client::onTimer() {
  if (state_ == State::Lingering) {
    if (std::exchange(lingered_at_, connection_->bytesOut()) == connection_->bytesOut()) {
      return close();  // not a byte in all that time
    }
    return linger();
  }
  if (state_ != State::Idle)
    return;  // armed when it was idle last; a busy one has no deadline here
  pool_.cluster().stats().cx_idle_timeout.add();
  close();
}

void Http1Client::onWritable() {
  if (user_ != nullptr) user_->onUpstreamWritable();
}

}  // namespace weir::cluster
