// Byte lines to a server that this file plays, on an abstract unix socket.
#include <sys/socket.h>
#include <unistd.h>

#include "source/cluster/worker_cluster.h"
#include "source/net/still_clock.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

// A reply is a line; "?" is not of the protocol.
size_t lineSize(std::string_view received) {
  if (received[0] == '?') return std::string_view::npos;
  const size_t end = received.find('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

struct Asker final : ByteAsker {
  using ByteAsker::giveUp;
  void onByteReply(std::string_view reply) override { said += reply; }
  void onByteFailure(const Failure& failure) override {
    said += "failed: " + std::string(failure.detail);
    kind = failure.kind;
  }
  std::string said;
  FailureKind kind = FailureKind::None;
};

class ByteLineTest : public testing::Test {
 protected:
  ByteLineTest() {
    settings_.name = settings_.stat_name = "store";
    settings_.limits.max_requests = 4;
    settings_.connect_timeout = 1s;
    settings_.idle_timeout = 10s;
    const std::string name = "@weir-byte-line-" + std::to_string(::getpid());
    server_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = *net::Address::unixPath(name);
    EXPECT_EQ(net::bindTo(server_.get(), address), 0);
    EXPECT_EQ(::listen(server_.get(), 8), 0);
    endpoint_ = endpointAt(address);
    publish({endpoint_});
  }
  ~ByteLineTest() override {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  static EndpointPtr endpointAt(const net::Address& address) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->address = address;
    return endpoint;
  }
  void publish(std::vector<EndpointPtr> endpoints) {
    auto set = std::make_shared<EndpointSet>();
    set->all = std::move(endpoints);
    cluster().publish(set);
    net::Loop::Turn turn(loop_);
    clusters_.update(cluster_, std::move(set));
  }
  Cluster& cluster() {
    if (!cluster_) cluster_ = std::make_shared<Cluster>(0, settings_, StatScope());
    return *cluster_;
  }
  void turn() {
    for (int i = 0; i < 3; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    {
      net::Loop::Turn turn(loop_);
      loop_.timers().advance(clock_.at);
    }
    turn();
  }
  Asker& ask(const std::string& bytes, size_t max_reply = 100) {
    Asker& asker = *askers_.emplace_back(std::make_unique<Asker>());
    ByteRequest request;
    request.bytes = bytes;
    request.reply_size = lineSize;
    request.max_reply = max_reply;
    {
      net::Loop::Turn turn(loop_);
      clusters_.set(0, cluster_);
      if (ByteLine* line = clusters_.find(0, 0)->chooseLine(0)) line->ask(asker, request);
    }
    turn();
    return asker;
  }
  // What has arrived at the server since.
  std::string seen() {
    if (!peer_) peer_.reset(::accept4(server_.get(), nullptr, nullptr, SOCK_NONBLOCK));
    char buffer[1000];
    const ssize_t n = ::recv(peer_.get(), buffer, sizeof buffer, 0);
    return n <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(n));
  }
  void say(std::string_view bytes) {
    ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    turn();
  }
  bool isClosed() {
    char byte = 0;
    return ::recv(peer_.get(), &byte, 1, 0) == 0;
  }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  ClusterSettings settings_;
  ClusterPtr cluster_;
  net::Fd server_, peer_;
  EndpointPtr endpoint_;
  std::vector<std::unique_ptr<Asker>> askers_;
  WorkerClusters clusters_{loop_};
};

TEST_F(ByteLineTest, RepliesComeInTheOrderOfRequestsInAnyPieces) {
  Asker& a = ask("one\n");
  Asker& b = ask("two\n");
  EXPECT_EQ(seen(), "one\ntwo\n");
  EXPECT_EQ(cluster().budgets(Priority::Default).requests.taken(), 2u);
  say("1");
  EXPECT_EQ(a.said, "");
  say("1\n2");
  EXPECT_EQ(a.said, "11\n");
  EXPECT_EQ(b.said, "");
  say("2\n");
  EXPECT_EQ(b.said, "22\n");
  EXPECT_EQ(cluster().budgets(Priority::Default).requests.taken(), 0u);
  EXPECT_EQ(cluster().budgets(Priority::Default).connections.taken(), 1u);
}

TEST_F(ByteLineTest, TheReplyOfOneWhoLeftIsDropped) {
  ask("one\n");
  Asker& b = ask("two\n");
  EXPECT_EQ(seen(), "one\ntwo\n");
  askers_.erase(askers_.begin());
  EXPECT_EQ(cluster().budgets(Priority::Default).requests.taken(), 1u);
  say("1\n2\n");
  EXPECT_EQ(b.said, "2\n");
}

TEST_F(ByteLineTest, WhatIsNoReplyClosesTheLine) {
  for (const char* bytes : {"?\n", "1\n2\n"}) {
    Asker& a = ask("one\n");
    seen();
    say(bytes);
    EXPECT_EQ(a.said, bytes[0] == '?' ? "failed: the reply is not of the protocol" : "1\n");
    EXPECT_TRUE(isClosed()) << bytes;
    EXPECT_EQ(cluster().budgets(Priority::Default).connections.taken(), 0u);
    peer_.reset();
  }
}

TEST_F(ByteLineTest, ALongReplyClosesTheLine) {
  Asker& a = ask("one\n", 4);
  seen();
  say("1234");
  EXPECT_EQ(a.said, "");
  say("5");
  EXPECT_EQ(a.kind, FailureKind::LimitExceeded);
}

TEST_F(ByteLineTest, WhoGivesUpFailsAllAndTheNextGetsANewLine) {
  Asker& a = ask("one\n");
  Asker& b = ask("two\n");
  seen();
  {
    net::Loop::Turn turn(loop_);
    a.giveUp();
  }
  EXPECT_EQ(a.kind, FailureKind::Timeout);
  EXPECT_EQ(b.kind, FailureKind::Timeout);
  EXPECT_TRUE(isClosed());
  peer_.reset();
  Asker& c = ask("three\n");
  EXPECT_EQ(seen(), "three\n");
  say("3\n");
  EXPECT_EQ(c.said, "3\n");
}

TEST_F(ByteLineTest, AServerThatClosesIsAFailure) {
  Asker& a = ask("one\n");
  seen();
  peer_.reset();
  turn();
  EXPECT_EQ(a.kind, FailureKind::ConnectionClosed);
  server_.reset();
  Asker& b = ask("two\n");
  EXPECT_EQ(b.said, "") << "no line: its user says so";
  EXPECT_EQ(cluster().budgets(Priority::Default).connections.taken(), 0u);
}

TEST_F(ByteLineTest, TheCircuitBreakerCountsWhatIsOutstanding) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask("x\n").said, "");
  EXPECT_EQ(ask("x\n").kind, FailureKind::Refused);
  askers_.clear();
  EXPECT_EQ(ask("x\n").kind, FailureKind::Refused) << "four replies are still to come";
  seen();
  say("1\n2\n3\n4\n");
  EXPECT_EQ(ask("x\n").said, "");
}

TEST_F(ByteLineTest, AnIdleLineCloses) {
  ask("one\n");
  seen();
  pass(20s);
  EXPECT_FALSE(isClosed()) << "it is not idle";
  say("1\n");
  pass(9s);
  EXPECT_FALSE(isClosed());
  pass(1100ms);
  EXPECT_TRUE(isClosed());
}

TEST_F(ByteLineTest, TheLineOfAnEndpointThatGoesServesItsLastReply) {
  Asker& a = ask("one\n");
  seen();
  publish({endpointAt(*net::Address::unixPath("@weir-nobody-there"))});
  EXPECT_FALSE(isClosed());
  say("1\n");
  EXPECT_EQ(a.said, "1\n");
  EXPECT_TRUE(isClosed());
  EXPECT_EQ(cluster().budgets(Priority::Default).connections.taken(), 0u);
}

TEST_F(ByteLineTest, TheLineOfAClusterThatIsReplacedServesItsLastReply) {
  Asker& old = ask("one\n");
  seen();
  const std::weak_ptr<Cluster> former = cluster_;
  cluster_.reset();
  publish({endpoint_});
  {
    net::Loop::Turn turn(loop_);
    clusters_.set(0, cluster_);
  }
  EXPECT_FALSE(isClosed());
  net::Fd first = std::move(peer_);
  Asker& next = ask("two\n");
  EXPECT_EQ(seen(), "two\n") << "on a line of its own";
  std::swap(first, peer_);
  say("1\n");
  EXPECT_EQ(old.said, "1\n");
  EXPECT_TRUE(isClosed());
  EXPECT_TRUE(former.expired());
  std::swap(first, peer_);
  say("2\n");
  EXPECT_EQ(next.said, "2\n");
}

TEST_F(ByteLineTest, AnIdleLineClosesWithItsCluster) {
  ask("one\n");
  seen();
  say("1\n");
  const std::weak_ptr<Cluster> former = cluster_;
  cluster_.reset();
  {
    net::Loop::Turn turn(loop_);
    clusters_.set(0, nullptr);
  }
  EXPECT_TRUE(isClosed());
  EXPECT_TRUE(former.expired());
}

TEST_F(ByteLineTest, WhoGivesUpAfterItsClusterWasRemovedFails) {
  Asker& a = ask("one\n");
  const std::weak_ptr<Cluster> former = cluster_;
  cluster_.reset();
  net::Loop::Turn turn(loop_);
  clusters_.set(0, nullptr);
  a.giveUp();
  EXPECT_EQ(a.kind, FailureKind::Timeout);
  EXPECT_FALSE(former.expired()) << "until the turn ends";
}

}  // namespace
}  // namespace weir::cluster
