#include "source/transport/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace weir::transport {
namespace {

// Takes at most `most` bytes, then does what it is told.
class Reader final : public ConnectionUser {
 public:
  explicit Reader(net::Loop& loop, size_t most = std::string::npos) : loop_(loop), most_(most) {}

  size_t onInput(char* data, size_t size) override {
    const size_t taken = std::min(size, most_ - got.size());
    got.append(data, taken);
    if (then) std::exchange(then, nullptr)();
    return taken;
  }
  void onInputEnd() override {
    ended = true;
    loop_.stop();
  }
  void onFailed(const Failure& failure) override {
    failed = failure.detail;
    loop_.stop();
  }

  std::function<void()> then;
  std::string got;
  std::string failed;
  bool ended = false;

 private:
  net::Loop& loop_;
  const size_t most_;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = net::Fd(ends[1]);
    connection_.setUser(first_);
    connection_.accept(net::Fd(ends[0]));
  }
  void peerSends(std::string_view text) {
    ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  std::string peerReceives() {
    char text[256];
    const ssize_t size = ::recv(peer_.get(), text, sizeof text, 0);
    return {text, size < 0 ? 0 : static_cast<size_t>(size)};
  }
  void peerEnds() { ::shutdown(peer_.get(), SHUT_WR); }

  net::Loop loop_;
  net::Fd peer_;
  Reader first_{loop_, 3};
  Reader second_{loop_};
  Connection connection_{loop_};
};

TEST_F(ConnectionTest, WhatOneUserLeavesIsTheNextOnes) {
  first_.then = [this] { connection_.setUser(second_); };
  peerSends("abcdef");
  peerEnds();
  loop_.run();
  EXPECT_EQ(first_.got, "abc");
  EXPECT_FALSE(first_.ended);
  EXPECT_EQ(second_.got, "def");
  EXPECT_TRUE(second_.ended);
}

TEST_F(ConnectionTest, TheNextUserIsToldOfWhatWasKept) {
  first_.then = [this] { connection_.pauseRead(); };
  peerSends("abcdef");
  loop_.post([this] {
    net::Loop::Turn turn(loop_);
    EXPECT_EQ(connection_.unconsumed(), 3U);
    connection_.setUser(second_);
    connection_.resumeRead();
    peerEnds();
  });
  // The mailbox comes behind the socket's news only when these are there first.
  event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  loop_.run();
  EXPECT_EQ(first_.got, "abc");
  EXPECT_EQ(second_.got, "def");
  EXPECT_TRUE(second_.ended);
}

TEST_F(ConnectionTest, WritesOfATurnLeaveInTheirOrderAtItsEnd) {
  first_.then = [this] {
    connection_.write("one ");
    connection_.writeCopy(std::string("two "));
    connection_.write("three");
    EXPECT_EQ(peerReceives(), "");
  };
  peerSends("go");
  peerEnds();
  loop_.run();
  EXPECT_EQ(peerReceives(), "one two three");
}

TEST_F(ConnectionTest, FinComesBehindWhatWasWritten) {
  first_.then = [this] {
    connection_.write("last words");
    connection_.finishWriting();
  };
  peerSends("go");
  peerEnds();
  loop_.run();
  EXPECT_TRUE(connection_.writeFinished());
  EXPECT_EQ(peerReceives(), "last words");
  EXPECT_EQ(peerReceives(), "");
}

TEST_F(ConnectionTest, AWriteToAPeerThatIsGoneFails) {
  first_.then = [this] {
    peer_.reset();
    connection_.write("anyone?");
  };
  peerSends("go");
  loop_.run();
  EXPECT_EQ(first_.failed, "peer closed the connection");
  EXPECT_FALSE(connection_.isOpen());
}

// One event tells of both, in the words of data alone.
class ResetWithDataTest : public ConnectionTest {
 protected:
  void SetUp() override {
    connection_.setUser(second_);
    {
      net::Loop::Turn turn(loop_);
      connection_.write("never read");  // so that the peer's end is a reset
    }
    peerSends("abc");
    peer_.reset();
  }
  void runOnce() { event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK); }
};

TEST_F(ResetWithDataTest, IsToldToWhoWaitsForMore) {
  runOnce();
  EXPECT_EQ(second_.got, "abc");
  EXPECT_EQ(second_.failed, "connection reset by peer");
}

TEST_F(ResetWithDataTest, IsFoundByTheNextWriteOfWhoExpectsNothing) {
  second_.then = [this] { connection_.expectNothing(); };
  runOnce();
  EXPECT_EQ(second_.got, "abc");
  EXPECT_EQ(second_.failed, "");
  {
    net::Loop::Turn turn(loop_);
    connection_.write("an answer");
  }
  EXPECT_NE(second_.failed, "");
}

}  // namespace
}  // namespace weir::transport
