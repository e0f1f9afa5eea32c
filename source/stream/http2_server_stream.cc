#include "source/stream/http2_server_stream.h"

#include <utility>

#include "source/codec/websocket.h"
#include "source/stream/http2_server.h"
#include "source/stream/tunnel.h"

namespace weir::stream {
namespace {

bool isByClient(const codec::Http2Error& error) {
  using codec::Http2Fault;
  const auto is = [&error](Http2Fault fault) {
    return error.reason == codec::errorOf(fault, codec::MessageType::Request).reason;
  };
  return is(Http2Fault::RemoteReset) || is(Http2Fault::RemoteRefused);
}

}  // namespace

Http2ServerStream::Http2ServerStream(Http2Server& server)
    : server_(server),
      exchange_(new Exchange(server.services(), server.hcm().plan(), *this, *this)) {}

// What the exchange's log says: kept up to date, as the exchange may end any time.
void Http2ServerStream::meter() {
  ByteMeter& bytes = tunnel_ != nullptr ? tunnel_->bytes() : exchange_->bytes();
  bytes.wire_in = received().total;
  bytes.header_in = received().heads;
  bytes.wire_out = sent().total;
  bytes.header_out = sent().heads;
}

void Http2ServerStream::onRequest(bool end) {
  meter();
  RequestHead& head = exchange_->request();
  bodiless_ = head.method == Method::Head;
  if (head.fields.has(HeaderId::Expect) && !server_.plan().proxy_100_continue) {
    head.fields.remove(HeaderId::Expect);
    ResponseHead interim(exchange_->arena());
    interim.status = 100;
    if (!end) server_.session().sendInterim(*this, interim);
  }
  if (codec::asksWebSocket(head)) codec::setWebSocketKey(head);
  // The bytes behind a request for a tunnel wait until there is one.
  const bool asks = isUpgrade() || head.method == Method::Connect;
  if (asks && !end) server_.session().pause(*this);
  exchange_->start(end || asks);
}

// A message that is no HTTP costs its stream or the connection: then nobody reads an answer.
void Http2ServerStream::onRejected(const codec::Http2Error& error) {
  meter();
  if (isOpen()) return exchange_->onRequestError(error.parseError());
  response_done_ = true;
  gone(ResponseFlag::DownstreamProtocolError, error.reason);
}

void Http2ServerStream::onBody(std::string_view data, bool end) {
  taken_ += static_cast<uint32_t>(data.size());
  if (!finished_) {
    meter();
    takeBody(data, end);
  }
  if (!paused_ || finished_) giveBack();
}

void Http2ServerStream::takeBody(std::string_view data, bool end) {
  if (tunnel_ == nullptr) return exchange_->onRequestBody(data, end);
  tunnel_->onClientBytes(data, end);
}

void Http2ServerStream::onTrailers(Fields& trailers) {
  if (finished_) return;
  meter();
  exchange_->onRequestTrailers(trailers);
}

void Http2ServerStream::giveBack() {
  const uint32_t size = std::exchange(taken_, 0);
  if (size != 0) server_.session().consume(*this, size);
}

void Http2ServerStream::resumeRequest() {
  paused_ = false;
  giveBack();
}

void Http2ServerStream::onWritable() {
  if (finished_ || congested()) return;
  tunnel_ != nullptr ? tunnel_->onDownstreamWritable() : exchange_->onDownstreamWritable();
}

void Http2ServerStream::onClosed() {
  if (finished_) end();
}

void Http2ServerStream::onReset(const codec::Http2Error& error) {
  response_done_ = true;
  if (finished_) return end();
  ResponseFlag flag = ResponseFlag::DownstreamProtocolError;
  if (server_.closed()) flag = ResponseFlag::DownstreamConnectionTermination;
  if (isByClient(error)) flag = ResponseFlag::DownstreamRemoteReset;
  gone(flag, error.reason);
}

void Http2ServerStream::gone(ResponseFlag flag, std::string_view details) {
  if (tunnel_ != nullptr) return tunnel_->onDownstreamGone(flag, details);
  exchange_->onDownstreamGone(flag, details);
}

void Http2ServerStream::sendInterim(const ResponseHead& head) {
  server_.session().sendInterim(*this, head);
  meter();
}

void Http2ServerStream::sendHead(ResponseHead& head, bool end) {
  // Only a 101 is consent to an upgrade, which the codec writes as 200 (RFC 8441 §5).
  if (isUpgrade() && head.status / 100 == 2) return abort(codec::Abort::Broken);
  response_done_ = end;
  server_.session().sendHead(*this, head, end);
  meter();
}

void Http2ServerStream::sendBody(std::string_view data, bool end) {
  response_done_ = end;
  if (bodiless_) data = {};
  if (data.empty() && !end) return;
  server_.session().sendBody(*this, data, end);
  meter();
}

void Http2ServerStream::sendTrailers(const Fields& trailers) {
  if (bodiless_) return sendBody({}, true);
  response_done_ = true;
  server_.session().sendTrailers(*this, trailers);
  meter();
}

void Http2ServerStream::abort(codec::Abort why) {
  response_done_ = true;
  if (!isOpen()) return;
  server_.plan().http2_stats.tx_reset.add();
  server_.session().reset(*this, why == codec::Abort::Cancelled ? codec::Http2Code::Cancel
                                                                : codec::Http2Code::InternalError);
}

bool Http2ServerStream::congested() const {
  return server_.congested() || server_.session().congested(*this);
}

void Http2ServerStream::onExchangeFinished(Exchange&) { finish(); }

// The codec reads trailers before it sees that a tunnel may have none.
Arena& Http2ServerStream::arena() {
  if (exchange_ != nullptr) return exchange_->arena();
  if (arena_ == nullptr) arena_ = std::make_unique<Arena>(server_.services().chunks);
  return *arena_;
}

void Http2ServerStream::onTunnelOpened(Tunnel& tunnel) {
  exchange_ = nullptr;
  tunnel_ = &tunnel;
  paused_ = false;
  const std::string held = server_.session().resume(*this);
  if (!held.empty()) server_.services().loop.flushTurn();  // views into it were written
}

void Http2ServerStream::onTunnelFinished(Tunnel& tunnel) {
  server_.services().loop.destroyLater(&tunnel);
  tunnel_ = nullptr;
  finish();
}

void Http2ServerStream::finish() {
  finished_ = true;
  if (!response_done_) abort(codec::Abort::Broken);
  if (isOpen()) return giveBack();
  end();
}

// Nothing is told of the stream any more, and the exchange is over.
void Http2ServerStream::end() {
  server_.onStreamEnd();
  net::Loop& loop = server_.services().loop;
  if (exchange_ != nullptr) loop.destroyLater(exchange_);
  loop.destroyLater(this);
}

Downstream Http2ServerStream::downstream() const {
  const Http2Server::Client& client = server_.client();
  return {client.peers.remote(), client.peers.local(), client.id, client.facts.get(),
          server_.tls()};
}

}  // namespace weir::stream
