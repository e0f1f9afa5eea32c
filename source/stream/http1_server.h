// An Http1Server is one downstream HTTP/1 connection: it finds and parses heads, feeds bodies to
// the exchange of the moment, writes its response, and goes on with the next request. One worker.
//
//   Head -> Body -> Waiting -> Head … -> [Tunnel] -> Lingering -> closed
#pragma once

#include <chrono>
#include <memory>

#include "source/codec/http1/body_decoder.h"
#include "source/codec/http1/head_scanner.h"
#include "source/codec/stream.h"
#include "source/stream/exchange.h"
#include "source/stream/hcm.h"
#include "source/stream/peer_texts.h"
#include "source/stream/services.h"
#include "source/transport/connection.h"
#include "source/transport/server_connection.h"

namespace weir::stream {

class Http1Server final : public transport::ServerConnection,
                          public transport::ConnectionUser,
                          public codec::ServerStream,
                          public ExchangeOwner,
                          public net::TimerUser {
 public:
  // The connection is open and tells this server from now on; its settings are the caller's.
  Http1Server(Services& services, std::shared_ptr<const Hcm> hcm,
              transport::ServerConnections& connections, transport::ConnectionPtr connection,
              const transport::Accepted& accepted);
  ~Http1Server() override;

  // No further request: closes now when idle, else says `connection: close` with the response.
  void drain() override;
  // The same with the next response for which leavesNow() says so; an idle connection that is not
  // asked for anything in kQuiet closes: a request may be on its way.
  void leave() override;
  void close() override;

 private:
  static constexpr std::chrono::milliseconds kQuiet{1000};
  enum class State : uint8_t { Head, Body, Waiting, Tunnel, Lingering, Closed };

  // What only a request with a body needs.
  struct Body {
    explicit Body(codec::BodyKind the_kind) : kind(the_kind) {}
    const codec::BodyKind kind;
    codec::BodyDecoder decoder;
    Fields* trailers = nullptr;  // null: not wanted
  };

  // transport::ConnectionUser
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onPeerGone() override;
  void onFailed(const Failure& failure) override;

  // codec::ServerStream
  void sendInterim(const ResponseHead& head) override;
  void sendHead(ResponseHead& head, bool end) override;
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields& trailers) override;
  void abort(codec::Abort) override;
  void pauseRequest() override;
  void resumeRequest() override;
  bool congested() const override { return connection_->congested(); }
  void closeAfterResponse() override { last_ = true; }

  // ExchangeOwner
  void onExchangeFinished(Exchange& exchange) override;
  void onTunnelOpened(stream::Tunnel& tunnel) override;
  void onTunnelFinished(stream::Tunnel& tunnel) override;
  Downstream downstream() const override;

  void onTimer() override;

  // http1_first_bytes.cc: until it is known that this is HTTP/1
  bool stays(std::string_view first);
  void makeWay();
  void notePartial();
  size_t readHead(char* data, size_t size);
  size_t readBody(char* data, size_t size);
  void reject(const codec::ParseError& error, size_t size);
  void writeHead(const ResponseHead& head, std::string_view text);
  void makeExchange();
  void openExchange();
  bool checkProtocol(RequestHead& head);
  void begin(const codec::Framing& framing);
  void dropBody();
  void updatePause();
  bool isIdle() const { return state_ == State::Head && !head_partial_ && exchange_ == nullptr; }
  void armTimer();
  void finish();
  void linger();
  void gone(std::string_view details);

  Services& services_;
  const std::shared_ptr<const Hcm> hcm_;       // whence requests have their plans
  const std::shared_ptr<const HcmPlan> plan_;  // the connection's own
  transport::ServerConnections& connections_;
  transport::ConnectionPtr connection_;
  net::Timer timer_;
  codec::HeadScanner scanner_;
  Exchange* exchange_ = nullptr;
  stream::Tunnel* tunnel_ = nullptr;
  Body* body_ = nullptr;  // in the exchange's arena, while a request has a body
  codec::BodyKind response_body_ = codec::BodyKind::None;
  State state_ = State::Head;
  bool known_ = false;           // to be HTTP/1, and counted as such
  bool last_ = false;            // the connection ends with this response
  bool leaving_ = false;         // … with one for which leavesNow() says so
  bool request_paused_ = false;  // by the exchange
  bool head_partial_ = false;    // some bytes of a head are here
  bool response_done_ = false;
  bool peer_gone_ = false;
  Protocol protocol_ = Protocol::Http11;
  Method method_ = Method::Get;
  uint64_t id_;
  uint64_t served_ = 0;
  size_t unsent_ = 0;  // while lingering, when it was looked at last
  net::SteadyTime accepted_;
  net::SteadyTime since_;  // idle since, head begun, or lingering since
  PeerTexts peers_;
  const std::shared_ptr<const transport::ConnectionFacts> facts_;
};

}  // namespace weir::stream
