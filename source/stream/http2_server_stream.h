// An Http2ServerStream is one request of an HTTP/2 connection: the codec's stream, and where its
// exchange writes the response. It owns the exchange, and goes with it when both have ended: the
// response may have been written long before the client's window took the last of it.
//
// Back-pressure: what arrives goes on at once, and is given back to the client's window only when
// the exchange wants more; so no more than one window is ever on its way.
#pragma once

#include <memory>

#include "source/codec/http2/stream.h"
#include "source/codec/stream.h"
#include "source/stream/exchange.h"
#include "source/stream/exchange_owner.h"

namespace weir::codec {
struct Http2Error;
}

namespace weir::stream {

class Http2Server;

class Http2ServerStream final : public codec::Http2Stream,
                                public codec::ServerStream,
                                public ExchangeOwner,
                                public net::Deferred {
 public:
  explicit Http2ServerStream(Http2Server& server);

  RequestHead& request() { return exchange_->request(); }
  Arena& arena();

  // From the server, as the codec tells it.
  void onRequest(bool end);
  void onRejected(const codec::Http2Error& error);
  void onBody(std::string_view data, bool end);
  void onTrailers(Fields& trailers);
  void onWritable();
  void onClosed();
  void onReset(const codec::Http2Error& error);

 private:
  // codec::ServerStream
  void sendInterim(const ResponseHead& head) override;
  void sendHead(ResponseHead& head, bool end) override;
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields& trailers) override;
  void abort(codec::Abort why) override;
  void pauseRequest() override { paused_ = true; }
  void resumeRequest() override;
  bool congested() const override;
  // One answer does not end a connection of many streams.
  void closeAfterResponse() override {}

  // ExchangeOwner
  void onExchangeFinished(Exchange& exchange) override;
  void onTunnelOpened(Tunnel& tunnel) override;
  void onTunnelFinished(Tunnel& tunnel) override;
  Downstream downstream() const override;

  void takeBody(std::string_view data, bool end);
  void gone(ResponseFlag flag, std::string_view details);
  void meter();
  void giveBack();
  void finish();
  void end();

  Http2Server& server_;
  Exchange* exchange_;
  Tunnel* tunnel_ = nullptr;  // in the exchange's place
  std::unique_ptr<Arena> arena_;
  uint32_t taken_ = 0;  // of the client's window, and not given back
  bool paused_ = false;
  bool finished_ = false;  // the exchange, or the tunnel
  bool response_done_ = false;
  bool bodiless_ = false;  // HEAD
};

}  // namespace weir::stream
