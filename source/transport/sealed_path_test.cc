// Two Connections on one loop, TLS between them, real sockets.
#include "source/transport/sealed_path.h"

#include <sys/socket.h>

#include <string>

#include "source/transport/connection.h"
#include "source/transport/tls/tls_test_pair.h"

namespace weir::transport {
namespace {

// Notes what it is told; takes everything, unless told otherwise.
class Noting final : public ConnectionUser {
 public:
  explicit Noting(net::Loop& loop) : connection(std::make_unique<Connection>(loop, *this)) {}

  size_t onInput(char* data, size_t size) override {
    const size_t taken = std::min(size, takes);
    got.append(data, taken);
    offered = std::max(offered, size);
    if (on_input) on_input();
    return taken;
  }
  void onInputEnd() override { ended = true; }
  void onConnected() override {
    ++connected;
    if (on_connected) on_connected();
  }
  void onWritable() override { ++writable; }
  void onFailed(const Failure& failure) override {
    failed = failure.detail;
    kind = failure.kind;
  }

  ConnectionPtr connection;
  std::string got;
  std::string failed;
  FailureKind kind = FailureKind::None;
  size_t takes = SIZE_MAX;
  size_t offered = 0;
  int connected = 0;
  int writable = 0;
  bool ended = false;
  std::function<void()> on_input, on_connected;
};

class SealedPathTest : public testing::Test {
 protected:
  SealedPathTest() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    server_plan_ = planner_.server(R"("tls_certificates": [)" + shown(leaf_) + "]");
    client_plan_ = planner_.client(trust(authority_));
    server_.connection->accept(net::Fd(fds[0]));
    client_.connection->accept(net::Fd(fds[1]));
  }
  ~SealedPathTest() override {
    server_.connection.reset();
    client_.connection.reset();
  }

  void turn(const std::function<void()>& work) {
    const net::Loop::Turn turn(loop_);
    work();
  }
  // Until `done`, or nothing happens for long.
  template <typename Condition>
  bool until(const Condition& done) {
    for (int i = 0; i < 20'000 && !done(); ++i) {
      event_base_loop(loop_.base(), EVLOOP_NONBLOCK);
    }
    return done();
  }
  void connect() {
    server_.connection->secure(server_plan_->accept());
    turn([&] { client_.connection->secure(client_plan_->connect({})); });
    ASSERT_TRUE(until([&] { return server_.connected == 1 && client_.connected == 1; }))
        << server_.failed << client_.failed;
  }
  static std::string text(size_t size) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 7) text[i] = static_cast<char>('a' + i / 7 % 26);
    return text;
  }

  net::Loop loop_;
  Planner planner_;
  const Pair authority_ = makePair({.common_name = "ca", .authority = true});
  const Pair leaf_ = makePair({.common_name = "leaf", .names = "DNS:leaf"}, &authority_);
  std::shared_ptr<TlsServer> server_plan_;
  std::shared_ptr<TlsClient> client_plan_;
  Noting server_{loop_}, client_{loop_};
};

TEST_F(SealedPathTest, BytesArriveBothWays) {
  connect();
  const std::string request = text(100), response = text(3'000'000);
  turn([&] { client_.connection->write(request); });
  turn([&] { server_.connection->write(response); });
  ASSERT_TRUE(until([&] { return client_.got.size() == response.size(); }));
  EXPECT_EQ(server_.got, request);
  EXPECT_EQ(client_.got, response);
  EXPECT_EQ(server_.connection->bytesIn(), request.size()) << "plain bytes count";
  EXPECT_EQ(server_.connection->bytesOut(), response.size());
}

TEST_F(SealedPathTest, ASlowReaderCongestsTheWriter) {
  connect();
  client_.connection->pauseRead();
  const std::string response = text(4'000'000);
  turn([&] { server_.connection->write(response); });
  EXPECT_TRUE(server_.connection->congested());
  until([] { return false; });
  EXPECT_EQ(client_.got, "");
  EXPECT_EQ(server_.writable, 0);
  turn([&] { client_.connection->resumeRead(); });
  ASSERT_TRUE(until([&] { return client_.got.size() == response.size(); }));
  EXPECT_EQ(client_.got, response);
  EXPECT_EQ(server_.writable, 1);
  EXPECT_FALSE(server_.connection->congested());
}

TEST_F(SealedPathTest, WhatIsNotTakenIsOfferedAgain) {
  connect();
  server_.takes = 0;
  const std::string head = text(50'000), tail = text(200'000);
  turn([&] { client_.connection->write(head); });
  ASSERT_TRUE(until([&] { return server_.offered == head.size(); }));
  turn([&] { client_.connection->write(tail); });
  ASSERT_TRUE(until([&] { return server_.offered == head.size() + tail.size(); }))
      << server_.offered;
  server_.takes = SIZE_MAX;
  turn([&] { client_.connection->write("!"); });
  ASSERT_TRUE(until([&] { return server_.got.size() == head.size() + tail.size() + 1; }));
  EXPECT_EQ(server_.got, head + tail + "!");
}

TEST_F(SealedPathTest, PausingInsideInputKeepsTheRest) {
  connect();
  server_.takes = 10;
  server_.on_input = [&] { server_.connection->pauseRead(); };
  turn([&] { client_.connection->write("0123456789abcdef"); });
  ASSERT_TRUE(until([&] { return server_.got == "0123456789"; }));
  EXPECT_EQ(server_.connection->unconsumed(), 6u);
  server_.on_input = nullptr;
  turn([&] { server_.connection->resumeRead(); });
  EXPECT_TRUE(until([&] { return server_.got == "0123456789abcdef"; }));
}

TEST_F(SealedPathTest, HalfAConnectionMayBeClosed) {
  connect();
  turn([&] {
    client_.connection->write("last");
    client_.connection->finishWriting();
  });
  ASSERT_TRUE(until([&] { return server_.ended; }));
  EXPECT_EQ(server_.got, "last");
  EXPECT_EQ(server_.failed, "");
  EXPECT_TRUE(client_.connection->writeFinished());
  turn([&] {
    server_.connection->write("answer");
    server_.connection->finishWriting();
  });
  ASSERT_TRUE(until([&] { return client_.ended; }));
  EXPECT_EQ(client_.got, "answer");
}

TEST_F(SealedPathTest, CloseSaysSo) {
  connect();
  turn([&] { client_.connection->close(); });
  EXPECT_TRUE(until([&] { return server_.ended; }));
  EXPECT_EQ(server_.failed, "");
}

// RFC 8446 §6.1: without close_notify somebody may have cut it off.
TEST_F(SealedPathTest, AnEndWithoutCloseNotifyIsAFailure) {
  connect();
  ::shutdown(client_.connection->fd(), SHUT_WR);
  ASSERT_TRUE(until([&] { return !server_.failed.empty(); }));
  EXPECT_EQ(server_.failed, "TLS_error: closed by the peer without close_notify");
  EXPECT_EQ(server_.kind, FailureKind::ConnectionClosed);
  EXPECT_FALSE(server_.ended);
}

TEST_F(SealedPathTest, PlainBytesFailTheHandshake) {
  server_.connection->secure(server_plan_->accept());
  turn([&] { client_.connection->write("GET / HTTP/1.1\r\n\r\n"); });
  ASSERT_TRUE(until([&] { return !server_.failed.empty(); }));
  EXPECT_EQ(server_.failed, "TLS_error: http request");
  EXPECT_EQ(server_.kind, FailureKind::ConnectFailed);
  EXPECT_EQ(planner_.count("s.ssl.connection_error"), 1u);
}

TEST_F(SealedPathTest, AnEndInTheHandshakeIsCounted) {
  server_.connection->secure(server_plan_->accept());
  turn([&] { client_.connection->close(); });
  ASSERT_TRUE(until([&] { return !server_.failed.empty(); }));
  EXPECT_EQ(planner_.count("s.ssl.connection_error"), 1u);
}

TEST_F(SealedPathTest, TheClientIsToldWhomItDoesNotTrust) {
  const Pair stranger = makePair({.common_name = "stranger", .authority = true});
  client_plan_ = planner_.client(trust(stranger));
  server_.connection->secure(server_plan_->accept());
  turn([&] { client_.connection->secure(client_plan_->connect({})); });
  ASSERT_TRUE(until([&] { return !client_.failed.empty() && !server_.failed.empty(); }));
  EXPECT_EQ(client_.failed,
            "TLS_error: certificate verify failed: unable to get local issuer certificate");
  EXPECT_EQ(client_.connected, 0);
  EXPECT_EQ(server_.failed, "TLS_error: tlsv1 alert unknown ca") << "the alert arrives";
}

// What looks at the first bytes leaves them for the handshake, and hands on to who speaks inside.
TEST_F(SealedPathTest, BytesThatWereOnlyLookedAtAreCiphertext) {
  server_.takes = 0;
  Noting inside(loop_);
  server_.on_input = [&] {
    server_.on_input = nullptr;
    server_.connection->secure(server_plan_->accept());
  };
  server_.on_connected = [&] { server_.connection->setUser(inside); };
  client_.on_connected = [&] { client_.connection->write("hello"); };
  turn([&] { client_.connection->secure(client_plan_->connect({})); });
  EXPECT_TRUE(until([&] { return inside.got == "hello"; })) << server_.failed << client_.failed;
  EXPECT_EQ(server_.got, "");
}

TEST_F(SealedPathTest, TheUserOfTheMomentIsToldFromThenOn) {
  Noting next(loop_);
  server_.on_connected = [&] {
    server_.connection->setUser(next);
    server_.connection->pauseRead();
  };
  client_.on_connected = [&] { client_.connection->write("early"); };
  server_.connection->secure(server_plan_->accept());
  turn([&] { client_.connection->secure(client_plan_->connect({})); });
  ASSERT_TRUE(until([&] { return server_.connection->unconsumed() == 5; }));
  EXPECT_EQ(next.got, "");
  turn([&] { server_.connection->resumeRead(); });
  EXPECT_TRUE(until([&] { return next.got == "early"; }));
}

TEST_F(SealedPathTest, PlainConnectionsHaveNoFacts) {
  EXPECT_FALSE(server_.connection->isSecure());
  EXPECT_EQ(server_.connection->tls(), nullptr);
  EXPECT_EQ(server_.connection->alpn(), "");
  connect();
  EXPECT_TRUE(server_.connection->isSecure());
  EXPECT_EQ(server_.connection->tls()->version, "TLSv1.3");
}

}  // namespace
}  // namespace weir::transport
