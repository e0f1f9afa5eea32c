#include "source/stream/http1_server.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/codec/http1/encode.h"
#include "source/codec/http1/parse_head.h"
#include "source/codec/http1/token.h"
#include "source/codec/http1/write_body.h"
#include "source/stream/shedding.h"

namespace weir::stream {

using codec::BodyKind;
using codec::ConnectionOption;

Http1Server::Http1Server(Services& services, std::shared_ptr<const Hcm> hcm,
                         transport::ServerConnections& connections,
                         transport::ConnectionPtr connection, const transport::Accepted& accepted)
    : services_(services),
      hcm_(std::move(hcm)),
      plan_(hcm_->plan()),
      connections_(connections),
      connection_(std::move(connection)),
      timer_(*this),
      scanner_(codec::MessageType::Request, plan_->max_head_bytes),
      id_(accepted.id),
      accepted_(accepted.at),
      since_(accepted_),
      peers_(accepted.remote, accepted.local),
      facts_(accepted.facts) {
  connection_->setUser(*this);
  connection_->countInto(&plan_->stats.bytes);
  armTimer();
}

Http1Server::~Http1Server() = default;

size_t Http1Server::onInput(char* data, size_t size) {
  size_t taken = 0;
  while (taken < size && !connection_->readPaused()) {
    size_t n = size - taken;
    switch (state_) {
      case State::Head:
        n = readHead(data + taken, n);
        break;
      case State::Body:
        n = readBody(data + taken, n);
        break;
      case State::Waiting:
        return taken;
      case State::Tunnel:
        tunnel_->bytes().wire_in += n;
        tunnel_->onClientBytes({data + taken, n}, false);
        break;
      case State::Lingering:
        break;  // nobody reads it any more
      case State::Closed:
        return size;
    }
    if (n == 0) break;
    taken += n;
  }
  const bool whole = state_ == State::Head || state_ == State::Waiting;
  if (whole && taken == size) connection_->expectNothing();
  return taken;
}

size_t Http1Server::readHead(char* data, size_t size) {
  if (!known_ && !stays({data, size})) return 0;
  const codec::HeadScanner::Scan scan = scanner_.scan({data, size});
  if (scan.error) {
    reject(scan.error, size);
    return size;
  }
  if (scan.size == 0) {
    notePartial();
    return 0;
  }
  scanner_.reset();
  head_partial_ = false;
  makeExchange();
  Arena& arena = exchange_->arena();
  auto* copy = const_cast<char*>(arena.copy({data + scan.skip, scan.size}).data());
  RequestHead& head = exchange_->request();
  ByteMeter& bytes = exchange_->bytes();
  bytes.wire_in = scan.skip + scan.size;
  codec::Framing framing;
  const codec::Limits limits{plan_->max_head_bytes, plan_->max_fields};
  const codec::ParseError error = codec::parseRequestHead(copy, scan.size, limits, head, framing);
  bytes.header_in = framing.field_bytes;
  response_done_ = false;
  protocol_ = head.protocol;
  method_ = head.method;
  last_ = !framing.keep_alive;
  if (error) {
    state_ = State::Waiting;
    last_ = true;
    exchange_->onRequestError(error);
    return size;
  }
  if (checkProtocol(head)) begin(framing);
  return scan.skip + scan.size;
}

// What only the configuration can allow.
bool Http1Server::checkProtocol(RequestHead& head) {
  if (head.scheme.empty()) head.scheme = connection_->isSecure() ? "https" : "http";
  if (head.protocol == Protocol::Http11) return true;
  if (plan_->accept_http_10) {
    if (head.authority.empty()) head.authority = plan_->default_host_for_http_10;
    if (!head.authority.empty()) return true;
  }
  state_ = State::Waiting;
  last_ = true;
  exchange_->onRequestError({426, "low_version"});
  return false;
}

void Http1Server::begin(const codec::Framing& framing) {
  const bool end = framing.body == BodyKind::None || framing.body == BodyKind::Tunnel;
  ++served_;
  const uint64_t most = plan_->max_requests_per_connection;
  if (most != 0 && served_ >= most) last_ = true;
  RequestHead& head = exchange_->request();
  head.upgrade = framing.upgrade && !plan_->upgrades.ignores(upgradeType(head));
  // What stands behind such a request may be no HTTP, whatever its answer is.
  if (head.upgrade || framing.body == BodyKind::Tunnel) last_ = true;
  state_ = end ? State::Waiting : State::Body;
  if (!end) {
    Arena& arena = exchange_->arena();
    body_ = arena.make<Body>(framing.body);
    body_->decoder.begin(framing, codec::MessageType::Request);
    if (framing.body == BodyKind::Chunked && plan_->enable_trailers) {
      body_->trailers = arena.make<Fields>(arena);
    }
  }
  updatePause();
  if (framing.expect_continue && !plan_->proxy_100_continue) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    exchange_->bytes().wire_out += kContinue.size();
    connection_->write(kContinue);
    head.fields.remove(HeaderId::Expect);
  }
  exchange_->start(end);
}

size_t Http1Server::readBody(char* data, size_t size) {
  using Step = codec::BodyDecoder::Step;
  const Step step = body_->decoder.step({data, size}, body_->trailers);
  exchange_->bytes().wire_in += step.consumed;
  switch (step.kind) {
    case Step::NeedMore:
      break;
    case Step::Data: {
      const bool end = body_->kind == BodyKind::Length && body_->decoder.remaining() == 0;
      if (end) state_ = State::Waiting;
      if (end) updatePause();
      exchange_->onRequestBody(step.data, end);
      break;
    }
    case Step::Trailers:
      state_ = State::Waiting;
      updatePause();
      if (body_->trailers == nullptr) {  // read, and not wanted
        exchange_->onRequestBody({}, true);
      } else {
        exchange_->onRequestTrailers(*body_->trailers);
      }
      break;
    case Step::End:
      state_ = State::Waiting;
      updatePause();
      exchange_->onRequestBody({}, true);
      break;
    case Step::Error:
      state_ = State::Waiting;
      last_ = true;
      exchange_->onRequestError(step.error);
      return size;
  }
  return step.consumed;
}

// Bytes that never became a head still get an answer and a line in the log.
void Http1Server::reject(const codec::ParseError& error, size_t size) {
  openExchange();
  exchange_->bytes().wire_in = size;
  exchange_->onRequestError(error);
}

// For an answer to what is no whole request; the connection ends with it.
void Http1Server::openExchange() {
  makeExchange();
  state_ = State::Waiting;
  response_done_ = false;
  last_ = true;
}

void Http1Server::updatePause() {
  // Who does not read its answers is not asked for more requests.
  const bool behind = state_ == State::Head && connection_->congested();
  const bool pause =
      request_paused_ || behind || (state_ == State::Waiting && exchange_ != nullptr);
  pause ? connection_->pauseRead() : connection_->resumeRead();
}

void Http1Server::pauseRequest() {
  request_paused_ = true;
  updatePause();
}

void Http1Server::resumeRequest() {
  request_paused_ = false;
  if (state_ != State::Closed) updatePause();
}

void Http1Server::sendInterim(const ResponseHead& head) {
  if (protocol_ == Protocol::Http10) return;  // RFC 9110 §15.2
  writeHead(head, codec::encodeResponseHead(head, BodyKind::None, 0, method_,
                                            ConnectionOption::None, exchange_->arena()));
}

void Http1Server::sendHead(ResponseHead& head, bool end) {
  // A request that is not over yet may leave bytes nobody will read as a body: if the response ends
  // first. The client must know of that now (RFC 9112 §9.6).
  if (state_ == State::Body) last_ = true;
  if (!last_ && endsConnection(services_, *plan_)) last_ = true;
  if (leaving_ && connections_.leavesNow()) last_ = true;
  uint64_t length = 0;
  response_body_ = BodyKind::None;
  if (!end) {
    response_body_ = protocol_ == Protocol::Http10 ? BodyKind::UntilClose : BodyKind::Chunked;
    if (const auto text = head.fields.get(HeaderId::ContentLength)) {
      length = codec::decimalOf(*text).value_or(0);
      response_body_ = BodyKind::Length;
    }
    if (response_body_ == BodyKind::UntilClose) last_ = true;
  }
  ConnectionOption option = last_ ? ConnectionOption::Close : ConnectionOption::None;
  if (!last_ && protocol_ == Protocol::Http10) option = ConnectionOption::KeepAlive;
  if (!end && codec::opensTunnel(exchange_->request(), head)) {
    response_body_ = BodyKind::Tunnel;
    option = head.status == 101 ? ConnectionOption::Upgrade : ConnectionOption::None;
  }
  writeHead(head, codec::encodeResponseHead(head, response_body_, length, method_, option,
                                            exchange_->arena()));
  response_done_ = end;
}

void Http1Server::writeHead(const ResponseHead& head, std::string_view text) {
  ByteMeter& bytes = exchange_->bytes();
  bytes.wire_out += text.size();
  bytes.header_out += text.size() - codec::startLineSize(head) - 2;
  connection_->write(text);
}

void Http1Server::sendBody(std::string_view data, bool end) {
  if (tunnel_ != nullptr) {
    tunnel_->bytes().wire_out += data.size();
    connection_->write(data);
    if (end) connection_->finishWriting();
  } else if (method_ != Method::Head) {
    exchange_->bytes().wire_out += codec::writeBody(*connection_, response_body_, data, end);
  }
  response_done_ = end;
}

void Http1Server::sendTrailers(const Fields& trailers) {
  if (response_body_ == BodyKind::Chunked) {
    const std::string_view text = plan_->enable_trailers
                                      ? codec::encodeTrailers(trailers, exchange_->arena())
                                      : codec::kLastChunk;
    exchange_->bytes().wire_out += text.size();
    connection_->write(text);
  }
  response_done_ = true;
}

void Http1Server::abort(codec::Abort) {
  connection_->flush();
  last_ = true;
}

// The arena does not destroy what it holds, and a decoder may own a piece of a trailer.
void Http1Server::dropBody() {
  if (body_ != nullptr) std::destroy_at(std::exchange(body_, nullptr));
}

void Http1Server::onExchangeFinished(Exchange& exchange) {
  dropBody();
  services_.loop.destroyLater(&exchange);
  exchange_ = nullptr;
  finish();
}

void Http1Server::onTunnelOpened(stream::Tunnel& tunnel) {
  dropBody();
  exchange_ = nullptr;
  tunnel_ = &tunnel;
  state_ = State::Tunnel;
  request_paused_ = false;
  updatePause();
}

void Http1Server::onTunnelFinished(stream::Tunnel& tunnel) {
  services_.loop.destroyLater(&tunnel);
  tunnel_ = nullptr;
  finish();
}

void Http1Server::finish() {
  request_paused_ = false;
  if (state_ == State::Closed) return;
  if (!response_done_) return close();
  if (last_ || state_ == State::Body) return linger();
  state_ = State::Head;
  since_ = services_.loop.now();
  connection_->trim();
  updatePause();
  armTimer();
}

void Http1Server::onInputEnd() {
  if (state_ == State::Lingering) {
    peer_gone_ = true;
    if (connection_->writeFinished()) close();
    return;
  }
  if (state_ == State::Tunnel) {
    peer_gone_ = true;
    return tunnel_->onClientBytes({}, true);
  }
  gone("downstream_remote_disconnect");
}

void Http1Server::onPeerGone() {
  if (exchange_ != nullptr && state_ == State::Waiting) gone("downstream_remote_disconnect");
}

void Http1Server::onFailed(const Failure&) { gone("downstream_remote_disconnect"); }

void Http1Server::gone(std::string_view details) {
  if (state_ == State::Closed) return;
  peer_gone_ = true;
  if (tunnel_ != nullptr) {
    plan_->stats.cx_destroy_active_rq.add();
    tunnel_->onDownstreamGone(ResponseFlag::DownstreamConnectionTermination, details);
  } else if (exchange_ != nullptr) {
    plan_->stats.cx_destroy_active_rq.add();
    state_ = State::Body;  // whatever the exchange does now, the connection ends
    exchange_->onDownstreamGone(ResponseFlag::DownstreamConnectionTermination, details);
  }
  close();
}

void Http1Server::close() {
  if (state_ == State::Closed) return;
  (peer_gone_ ? plan_->stats.cx_destroy_remote : plan_->stats.cx_destroy_local).add();
  state_ = State::Closed;
  timer_.disarm();
  connection_->close();
  if (exchange_ != nullptr) {
    exchange_->onDownstreamGone(ResponseFlag::DownstreamConnectionTermination, "local_close");
  } else if (tunnel_ != nullptr) {
    tunnel_->onDownstreamGone(ResponseFlag::DownstreamConnectionTermination, "local_close");
  }
  plan_->stats.cx_active.sub();
  if (known_) plan_->stats.cx_http1_active.sub();
  plan_->stats.cx_destroy.add();
  plan_->stats.cx_length_ms.record(
      static_cast<uint64_t>((services_.loop.now() - accepted_) / std::chrono::microseconds(1)));
  connections_.onServerClosed(*this);
  services_.loop.destroyLater(this);
}

void Http1Server::drain() {
  last_ = true;
  if (isIdle()) {
    plan_->stats.cx_drain_close.add();
    close();
  }
}

void Http1Server::onWritable() {
  if (state_ == State::Lingering) return;
  if (state_ == State::Head) return updatePause();
  if (exchange_ != nullptr) exchange_->onDownstreamWritable();
  if (tunnel_ != nullptr) tunnel_->onDownstreamWritable();
}

Downstream Http1Server::downstream() const {
  return {peers_.remote(), peers_.local(), id_, facts_.get(),
          connection_->isSecure() ? connection_->tls().get() : nullptr};
}

}  // namespace weir::stream
