// An Http2Client is one HTTP/2 connection to an endpoint: the codec's session between the socket
// and many exchanges, each an Http2ClientStream. It has room while the server and our own limits
// take another stream.
//
// Life: open -> spent (GOAWAY, retire(), max_requests_per_connection) -> closed, when the last
// stream has ended; or closed at once when the connection is lost: then every stream fails.
#pragma once

#include "source/cluster/pool/client.h"
#include "source/cluster/pool/http2_client_stream.h"
#include "source/codec/http2/client_session.h"
#include "source/http2/keepalive.h"
#include "source/http2/stats.h"

namespace weir::cluster {

class Http2Client final : public Client,
                          public transport::ConnectionUser,
                          public codec::Http2ClientUser,
                          public net::TurnEnd,
                          public net::TimerUser {
 public:
  Http2Client(Pool& pool, transport::ConnectionPtr connection, net::SteadyTime began);
  ~Http2Client() override;

  // Client
  codec::ClientStream& begin(codec::ClientStreamUser& user, ByteMeter& bytes) override;
  bool hasRoom() const override;
  bool idle() const override { return session_.streamCount() == 0 && waiting_ == nullptr; }
  void retire() override;
  Protocol protocol() const override { return Protocol::Http2; }

  // For its streams.
  codec::Http2ClientSession& session() { return session_; }
  bool congested() const { return connection_->congested(); }
  const http2::Stats& stats() const;
  // Why the connection was lost; none while it is not.
  const Failure& lost() const { return lost_; }
  bool open(Http2ClientStream& stream, const RequestHead& head, bool end);
  void onRequestEnd();
  // The stream has ended on both sides, or was given up, and says nothing more.
  void onStreamEnd(Http2ClientStream& stream);
  // Tells the stream of its failure when the caller has returned.
  void failLater(Http2ClientStream& stream, std::string_view why);
  // Until the server's SETTINGS have come, or until it is forgotten.
  void wait(Http2ClientStream& stream);
  void forget(Http2ClientStream& stream);

 private:
  // transport::ConnectionUser
  size_t onInput(char* data, size_t size) override;
  void onInputEnd() override;
  void onWritable() override;
  void onPeerGone() override { onInputEnd(); }
  void onFailed(const Failure& failure) override;

  // codec::Http2ClientUser
  void onOutput() override { loop().atTurnEnd(*this); }
  Arena& arenaOf(codec::Http2Stream& stream) override;
  void onInterim(codec::Http2Stream& stream, ResponseHead& head) override;
  void onResponse(codec::Http2Stream& stream, ResponseHead& head, bool end) override;
  void onBody(codec::Http2Stream& stream, std::string_view data, bool end) override;
  void onTrailers(codec::Http2Stream& stream, Fields& trailers) override;
  void onWritable(codec::Http2Stream& stream) override;
  void onClosed(codec::Http2Stream& stream) override;
  void onReset(codec::Http2Stream& stream, const codec::Http2Error& error) override;
  void onGoaway(uint32_t last_stream, codec::Http2Code code) override;
  void onPingAck(uint64_t opaque) override;
  void onPeerSettings() override;
  void onConnectionError(const codec::Http2Error& error) override;

  void onTurnEnd() override;
  void onTimer() override;

  net::Loop& loop() const { return connection_->loop(); }
  void noteRoom();
  void write();
  void armTimer();
  void lose(const Failure& why, bool by_peer);
  void close();

  codec::Http2ClientSession session_;
  http2::Keepalive keepalive_;
  net::Timer timer_;
  Http2ClientStream* failing_ = nullptr;  // a list of those to tell at the turn's end
  Http2ClientStream* waiting_ = nullptr;  // a list of those to open when the server is known
  Failure lost_;
  bool closed_ = false;
  bool retired_ = false;
  uint64_t served_ = 0;
  net::SteadyTime idle_since_;
};

}  // namespace weir::cluster
