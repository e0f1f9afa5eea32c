#include "source/cluster/pool/http2_client_stream.h"

#include <utility>

#include "source/cluster/pool/http2_client.h"
#include "source/codec/websocket.h"

namespace weir::cluster {
namespace {

constexpr std::string_view kNoConnect = "the server takes no extended CONNECT";

}  // namespace

void Http2ClientStream::sendHead(const RequestHead& head, bool end) {
  const bool asks = head.upgrade || head.method == Method::Connect;
  if (asks) asks_tunnel_ = &head;
  // In a tunnel's stream there is no room for a body of its own.
  if (asks && !end) return client_.failLater(*this, "a request with a body asks for an upgrade");
  if (head.upgrade && !client_.session().knowsServer()) return client_.wait(*this);
  if (!open(head, end)) client_.failLater(*this, kNoConnect);
}

// RFC 8441 §5: the stream of a tunnel stays open.
bool Http2ClientStream::open(const RequestHead& head, bool end) {
  if (!client_.open(*this, head, end && asks_tunnel_ == nullptr)) return false;
  meter();
  return true;
}

// RFC 8441 §3: who does not say that it takes extended CONNECT is not asked.
void Http2ClientStream::onServerKnown() {
  if (!open(*asks_tunnel_, true)) client_.failLater(*this, kNoConnect);
}

void Http2ClientStream::meter() {
  bytes_->wire_in = before_.wire_in + received().total;
  bytes_->wire_out = before_.wire_out + sent().total;
  bytes_->header_in = before_.header_in + received().heads;
  bytes_->header_out = before_.header_out + sent().heads;
}

void Http2ClientStream::sendBody(std::string_view data, bool end) {
  client_.session().sendBody(*this, data, end);
  if (user_ == nullptr) return;
  meter();
  if (in_tunnel_ && far_end_ && end) finish();
}

void Http2ClientStream::setUser(codec::ClientStreamUser& user, ByteMeter& bytes) {
  user_ = &user;
  bytes_ = &bytes;
}

void Http2ClientStream::sendTrailers(const Fields& trailers) {
  client_.session().sendTrailers(*this, trailers);
  if (user_ != nullptr) meter();
}

void Http2ClientStream::resumeResponse() {
  paused_ = false;
  giveBack();
}

bool Http2ClientStream::congested() const {
  return client_.congested() || client_.session().congested(*this);
}

void Http2ClientStream::giveBack() {
  const uint32_t size = std::exchange(taken_, 0);
  if (size != 0) client_.session().consume(*this, size);
}

// The user has the whole response, or wants no more of it.
codec::ClientStreamUser* Http2ClientStream::finish() {
  meter();
  codec::ClientStreamUser* const user = std::exchange(user_, nullptr);
  client_.onRequestEnd();
  return user;
}

void Http2ClientStream::detach() {
  if (user_ == nullptr) return;
  finish();
  if (isOpen()) {
    client_.stats().tx_reset.add();
    client_.session().reset(*this, codec::Http2Code::Cancel);
  }
  end();
}

void Http2ClientStream::end() {
  if (std::exchange(ended_, true)) return;
  client_.forget(*this);
  client_.onStreamEnd(*this);
}

// A response may end before its request: nobody will write the rest of that.
void Http2ClientStream::afterResponse() {
  giveBack();
  if (!isOpen() || localEnded()) return;
  client_.stats().tx_reset.add();
  client_.session().reset(*this, codec::Http2Code::Cancel);
  end();
}

void Http2ClientStream::onInterim(ResponseHead& head) {
  answered_ = true;
  if (user_ != nullptr) user_->onUpstreamInterim(head);
}

void Http2ClientStream::onResponse(ResponseHead& head, bool end) {
  answered_ = true;
  if (user_ == nullptr) return;
  meter();
  if (asks_tunnel_ != nullptr) {
    if (head.status == 101) addConsent(head);
    in_tunnel_ = isTunnel() && !end;
    if (!in_tunnel_) client_.session().sendBody(*this, {}, true);
  }
  if (!end) return user_->onUpstreamHead(head, false);
  finish()->onUpstreamHead(head, true);
  afterResponse();
}

// As HTTP/1 says that it goes on in another protocol.
void Http2ClientStream::addConsent(ResponseHead& head) const {
  const Fields& asked = asks_tunnel_->fields;
  head.fields.set(HeaderId::Upgrade, asked.get(HeaderId::Upgrade).value_or(std::string_view()));
  head.fields.remove(codec::kWebSocketAccept);
  const auto key = asked.get(codec::kWebSocketKey);
  if (!key || !codec::asksWebSocket(*asks_tunnel_)) return;
  head.fields.add(codec::kWebSocketAccept, codec::webSocketAccept(*key, head.fields.arena()));
}

void Http2ClientStream::onBody(std::string_view data, bool end) {
  if (user_ == nullptr) return;
  taken_ += static_cast<uint32_t>(data.size());
  far_end_ = end;
  if (end && in_tunnel_ && !localEnded()) return user_->onUpstreamBody(data, true);
  if (end) {
    finish()->onUpstreamBody(data, true);
    return afterResponse();
  }
  user_->onUpstreamBody(data, false);
  if (!paused_) giveBack();
}

void Http2ClientStream::onTrailers(Fields& trailers) {
  if (user_ == nullptr) return;
  finish()->onUpstreamTrailers(trailers);
  afterResponse();
}

void Http2ClientStream::onWritable() {
  if (user_ != nullptr && !congested()) user_->onUpstreamWritable();
}

Failure Http2ClientStream::describe(const codec::Http2Error& error) const {
  Failure failure = client_.lost();
  if (failure) {
    failure.retry = reused_ && !answered_ ? Retry::IfReused : Retry::Never;
    return failure;
  }
  if (error.unprocessed && !answered_) {
    return {Side::Upstream, FailureKind::StreamRefused, Retry::Safe, error.reason};
  }
  using codec::Http2Fault;
  const std::string_view by_peer =
      errorOf(Http2Fault::RemoteReset, codec::MessageType::Response).reason;
  if (error.reason != by_peer && !error.unprocessed) {
    return {Side::Upstream, FailureKind::ProtocolError, Retry::Never, error.reason};
  }
  const bool cancelled = error.code == codec::Http2Code::Cancel;
  return {Side::Upstream, FailureKind::StreamReset, Retry::Never,
          cancelled ? codec::kCancelledByPeer : error.reason};
}

void Http2ClientStream::onReset(const codec::Http2Error& error) { fail(describe(error)); }

void Http2ClientStream::fail(const Failure& failure) {
  codec::ClientStreamUser* const user = user_ == nullptr ? nullptr : finish();
  end();
  if (user != nullptr) user->onUpstreamFailure(failure);
}

}  // namespace weir::cluster
