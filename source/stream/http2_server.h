// An Http2Server is one downstream HTTP/2 connection: the codec's session between the socket and
// the streams, each of which has an exchange of its own. It owns what they share: the one write at
// the end of the turn or the round, the connection's deadlines, keep-alive, drain and end. One
// worker.
//
//   Open (-> Draining) -> Lingering -> Closed
//
// Drain (RFC 9113 §6.8): a GOAWAY that takes everything and a ping; with the ping's answer, or
// after drain_timeout, a GOAWAY that takes nothing new; closed when the last stream has ended.
#pragma once

#include <chrono>
#include <memory>

#include "source/codec/http2/server_session.h"
#include "source/http2/keepalive.h"
#include "source/stream/hcm.h"
#include "source/stream/http2_server_stream.h"
#include "source/stream/peer_texts.h"
#include "source/stream/services.h"
#include "source/transport/connection.h"
#include "source/transport/server_connection.h"

namespace weir::stream {

class Http2Server final : public transport::ServerConnection,
                          public transport::ConnectionUser,
                          public codec::Http2ServerUser,
                          public net::TurnEnd,
                          public net::TimerUser {
 public:
  // What is known of the connection, whatever it speaks.
  struct Client {
    uint64_t id;
    net::SteadyTime accepted;
    PeerTexts peers;
    std::shared_ptr<const transport::ConnectionFacts> facts;
  };

  // The connection is open and tells this server from now on; its settings are the caller's.
  Http2Server(Services& services, std::shared_ptr<const Hcm> hcm,
              transport::ServerConnections& connections, transport::ConnectionPtr connection,
              Client client);
  ~Http2Server() override;

  void drain() override;
  // Draining as soon as leavesNow() says so: asked now, with each request, each second.
  void leave() override;
  void close() override;

  // For its streams.
  codec::Http2ServerSession& session() { return session_; }
  bool congested() const { return connection_->congested(); }
  const TlsFacts* tls() const { return connection_->tls().get(); }
  const Client& client() const { return client_; }
  Services& services() { return services_; }
  const HcmPlan& plan() const { return *plan_; }  // the connection's own
  const Hcm& hcm() const { return *hcm_; }        // whence requests have their plans
  bool closed() const { return state_ == State::Closed; }
  void onStreamEnd();

 private:
  enum class State : uint8_t { Open, Lingering, Closed };
  static constexpr std::chrono::milliseconds kAskAgain{1000};
  enum class Drain : uint8_t { No, Announced, Done };

  // transport::ConnectionUser
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onPeerGone() override { gone(); }
  void onFailed(const Failure&) override { gone(); }

  // codec::Http2ServerUser
  Place onRequestBegin() override;
  void onRequest(codec::Http2Stream& stream, bool end) override;
  void onRequestRejected(codec::Http2Stream& stream, const codec::Http2Error& error) override;
  void onOutput() override { services_.loop.atTurnEnd(*this); }
  Arena& arenaOf(codec::Http2Stream& stream) override;
  void onBody(codec::Http2Stream& stream, std::string_view data, bool end) override;
  void onTrailers(codec::Http2Stream& stream, Fields& trailers) override;
  void onWritable(codec::Http2Stream& stream) override;
  void onClosed(codec::Http2Stream& stream) override;
  void onReset(codec::Http2Stream& stream, const codec::Http2Error& error) override;
  void onGoaway(uint32_t, codec::Http2Code) override {}
  void onPingAck(uint64_t opaque) override;
  void onConnectionError(const codec::Http2Error& error) override;

  void onTurnEnd() override;
  void onTimer() override;

  void write();
  void notePartial(bool partial);
  void finishDrain();
  void linger();
  void gone();
  void forgiveResets();
  net::SteadyTime nextDeadline() const;
  void armTimer();
  void giveUp(codec::Http2Code code, std::string_view reason);

  Services& services_;
  const std::shared_ptr<const Hcm> hcm_;
  const std::shared_ptr<const HcmPlan> plan_;
  transport::ServerConnections& connections_;
  const transport::ConnectionPtr connection_;
  codec::Http2ServerSession session_;
  http2::Keepalive keepalive_;
  net::Timer timer_;
  State state_ = State::Open;
  Drain drain_ = Drain::No;
  bool leaving_ = false;
  bool partial_ = false;  // a head, or a frame, has begun and is not complete
  bool peer_gone_ = false;
  uint64_t served_ = 0;
  size_t unsent_ = 0;      // while lingering, when it was looked at last
  net::SteadyTime since_;  // without a stream, or lingering
  net::SteadyTime partial_since_;
  net::SteadyTime drain_since_;
  net::SteadyTime forgiven_;  // when resets were forgiven last
  Client client_;
};

}  // namespace weir::stream
