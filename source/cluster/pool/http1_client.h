// An Http1Client is one HTTP/1 connection to an endpoint: idle, or busy with one exchange at a
// time, whose ClientStream it is.
//
// Life: (idle -> busy)* -> [lingering] -> closed. A response that ends while its request is
// unfinished, or says so, closes it. A tunnel ends it, too; it lingers until the tunnel's last
// bytes are sent.
#pragma once

#include "source/cluster/pool/client.h"
#include "source/codec/http1/body_decoder.h"
#include "source/codec/http1/framing.h"
#include "source/codec/http1/head_scanner.h"
#include "source/codec/stream.h"
#include "source/net/loop.h"
#include "source/transport/connection.h"
#include "weir/stream_info.h"

namespace weir::cluster {

class Http1Client final : public Client,
                          public transport::ConnectionUser,
                          public codec::ClientStream,
                          public net::TimerUser {
 public:
  Http1Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began);
  ~Http1Client() override;

  // Client
  codec::ClientStream& begin(codec::ClientStreamUser& user, ByteMeter& bytes) override;
  bool hasRoom() const override { return state_ == State::Idle; }
  bool idle() const override { return state_ == State::Idle; }
  void retire() override;
  Protocol protocol() const override { return Protocol::Http11; }

  // codec::ClientStream
  void sendHead(const RequestHead& head, bool end) override;
  void sendBody(std::string_view data, bool end) override;
  void sendTrailers(const Fields& trailers) override;
  void pauseResponse() override { connection_->pauseRead(); }
  void resumeResponse() override { connection_->resumeRead(); }
  bool congested() const override { return connection_->congested(); }
  void setUser(codec::ClientStreamUser& user, ByteMeter& bytes) override;
  void detach() override;
  bool reused() const override { return reused_; }

 private:
  enum class State : uint8_t { Idle, Busy, Lingering, Closed };

  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onFailed(const Failure& failure) override;
  void onTimer() override;

  size_t readHead(char* data, size_t size);
  size_t readBody(char* data, size_t size);
  void endRequest() { request_done_ = true; }
  void finishResponse();
  void finishTunnel();
  void linger();
  bool isTunnel() const { return in_body_ && framing_.body == codec::BodyKind::Tunnel; }
  void fail(FailureKind kind, std::string_view detail);
  void armIdle();
  void close();

  net::Timer timer_;
  codec::ClientStreamUser* user_ = nullptr;
  ByteMeter* bytes_ = nullptr;  // beside user_
  codec::HeadScanner scanner_;
  codec::BodyDecoder body_;
  codec::Framing framing_;
  Fields* trailers_ = nullptr;
  codec::BodyKind request_body_ = codec::BodyKind::None;
  Method method_ = Method::Get;
  State state_ = State::Idle;
  bool in_body_ = false;
  bool request_done_ = false;
  bool response_started_ = false;
  bool asks_tunnel_ = false;
  bool tunnel_ended_ = false;  // by the origin
  bool reused_ = false;        // it was idle, however short, before this exchange
  uint64_t served_ = 0;
  uint64_t received_before_ = 0;  // bytes of earlier exchanges
  uint64_t lingered_at_ = 0;      // bytes sent when it was looked last
  size_t left_ = 0;               // bytes received behind what was parsed last
};

}  // namespace weir::cluster
