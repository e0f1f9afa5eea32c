// An Http2ClientStream is one exchange on an HTTP/2 connection to an endpoint: the codec's stream,
// and the ClientStream of whoever makes the request. Its connection owns it; it dies at the end of
// the turn in which both sides have ended or it was given up.
//
// Back-pressure: what arrives goes on at once, and is given back to the server's window only when
// the user wants more; so no more than one window is ever on its way.
#pragma once

#include "source/codec/http2/stream.h"
#include "source/codec/stream.h"
#include "source/net/loop.h"
#include "weir/stream_info.h"

namespace weir::codec {
struct Http2Error;
}

namespace weir::cluster {

class Http2Client;

class Http2ClientStream final : public codec::Http2Stream,
                                public codec::ClientStream,
                                public net::Deferred {
 public:
  Http2ClientStream(Http2Client& client, codec::ClientStreamUser& user, ByteMeter& bytes,
                    bool reused)
      : client_(client), user_(&user), bytes_(&bytes), before_(bytes), reused_(reused) {}

  // codec::ClientStream
  void sendHead(const RequestHead& head, bool end) override;
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields& trailers) override;
  void pauseResponse() override { paused_ = true; }
  void resumeResponse() override;
  bool congested() const override;
  void setUser(codec::ClientStreamUser& user, ByteMeter& bytes) override;
  void detach() override;
  bool reused() const override { return reused_; }

  // From the client, as the codec tells it.
  Arena& arena() { return user_->responseArena(); }
  void onInterim(ResponseHead& head);
  void onResponse(ResponseHead& head, bool end);
  void onBody(std::string_view data, bool end);
  void onTrailers(Fields& trailers);
  void onWritable();
  void onClosed() { end(); }
  void onReset(const codec::Http2Error& error);
  void fail(const Failure& failure);
  // The server's SETTINGS have come: what waited for them is sent, or fails.
  void onServerKnown();

  Http2ClientStream* next_failing = nullptr;
  std::string_view failing_for;
  Http2ClientStream* next_waiting = nullptr;

 private:
  codec::ClientStreamUser* finish();
  Failure describe(const codec::Http2Error& error) const;
  void giveBack();
  void afterResponse();
  void end();
  void meter();
  bool open(const RequestHead& head, bool end);
  void addConsent(ResponseHead& head) const;

  Http2Client& client_;
  codec::ClientStreamUser* user_;  // null: nobody any more
  ByteMeter* bytes_;               // beside user_
  const ByteMeter before_;         // of earlier attempts
  uint32_t taken_ = 0;             // of the server's window, and not given back
  const bool reused_;
  bool paused_ = false;
  bool answered_ = false;  // something of a response came
  bool ended_ = false;     // the client was told
  // The exchange's, which has it until its tunnel is open; null: an ordinary request.
  const RequestHead* asks_tunnel_ = nullptr;
  bool in_tunnel_ = false;
  bool far_end_ = false;  // of the tunnel: the endpoint's direction is over
};

}  // namespace weir::cluster
