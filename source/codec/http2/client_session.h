// An Http2ClientSession is an upstream connection: it sends requests and takes responses.
//
//   start() (open | receive | send… | consume | …)*
//
// For one stream: open (sendBody* (sendTrailers)?)? out; onInterim* onResponse (onBody*
// (onTrailers)?)? in; the stream ends with onClosed() or onReset(), or with the user's reset(). A
// response may end before its request: the user then ends the request or resets the stream.
#pragma once

#include "source/codec/http2/session.h"

namespace weir::codec {

class Http2ClientSession final : public Http2Session {
 public:
  // `options` and `pool` outlive it.
  Http2ClientSession(const Http2Options& options, ChunkPool& pool, Http2ClientUser& user);

  // Writes the client's preface; before all else. Requests may follow at once.
  void start() { begin(); }

  // Whether a request may be sent now: within the server's and our own limit of streams, no GOAWAY
  // sent or received.
  bool canOpen() const;
  // Whether this connection will ever take a request again.
  bool isSpent() const;
  // How many streams may be open at once.
  size_t capacity() const;
  // Whether the server's SETTINGS have come; before, nothing is known of what it takes.
  bool knowsServer() const { return settings_received_; }
  // Whether the server takes extended CONNECT.
  bool canUpgrade() const { return peer_.enable_connect; }

  // Opens `stream` with this request. A head with an `upgrade` field is sent as extended CONNECT
  // (RFC 8441 §4) and needs canUpgrade(); a 2xx is then told as 101. False, and nothing happened:
  // not now.
  bool open(Http2Stream& stream, const RequestHead& head, bool end);

 private:
  void onHeadBlock(const FrameParser::Step& block, Http2Stream* stream) override;
  void onPeerSettings() override { user_.onPeerSettings(); }
  void onFinalHead(Http2Stream& stream, ResponseHead& head, int64_t length, bool end);

  Http2ClientUser& user_;
};

}  // namespace weir::codec
