// An Http2ServerSession is a downstream connection: it takes requests and sends responses.
//
//   start() (receive | send… | consume | …)*
//
// For one stream: onRequest (onBody* (onTrailers)?)? in; sendInterim* sendHead (sendBody*
// (sendTrailers)?)? out; whatever the order of the two, the stream ends with onClosed() or
// onReset(), or with the user's reset(). When the response ends before the request, the rest of the
// request is refused with RST_STREAM(NO_ERROR).
#pragma once

#include "source/codec/http2/session.h"

namespace weir::codec {

class Http2ServerSession final : public Http2Session {
 public:
  // `options` and `pool` outlive it.
  Http2ServerSession(const Http2Options& options, ChunkPool& pool, Http2ServerUser& user);

  // Writes the server's part of the preface; before all else.
  void start() { begin(); }

  void sendInterim(Http2Stream& stream, const ResponseHead& head);
  // A 101 on a stream that isUpgrade() is written as 200 (RFC 8441 §5), and like a 2xx to CONNECT
  // makes it a tunnel. Another 2xx there would look like consent: it is the user's to avoid.
  void sendHead(Http2Stream& stream, const ResponseHead& head, bool end);

 private:
  void onHeadBlock(const FrameParser::Step& block, Http2Stream* stream) override;
  bool admit(const FrameParser::Step& block);
  void reject(Http2Stream& stream, uint32_t id, Http2Fault fault);

  Http2ServerUser& user_;
};

}  // namespace weir::codec
