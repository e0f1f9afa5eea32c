// Clusters that are replaced and removed while connections and requests use them, against a server
// that this file plays on an abstract unix socket.
#include <sys/socket.h>
#include <unistd.h>

#include "source/cluster/pool/tcp_stream.h"
#include "source/cluster/worker_cluster.h"
#include "source/telemetry/stat_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

struct StillClock final : net::Clock {
  net::SteadyTime at{1000h};
  net::SteadyTime now() override { return at; }
};

// A GET whose response is kept; or the near end of a TcpStream.
struct Request final : PoolWaiter, codec::ClientStreamUser {
  explicit Request(ChunkPool& chunks) : arena(chunks), head(arena) {
    head.setMethod("GET");
    head.path = "/";
    head.authority = "a.test";
  }
  ~Request() {
    if (stream != nullptr) stream->detach();
  }

  void onPoolReady(Client& client) override {
    stream = &client.begin(*this, bytes);
    stream->sendHead(head, true);
  }
  void onPoolFailure(const Failure& failure, bool) override { said = failure.detail; }
  Arena& responseArena() override { return arena; }
  void onUpstreamInterim(ResponseHead&) override {}
  void onUpstreamHead(ResponseHead& response, bool end) override {
    said += std::to_string(response.status) + " ";
    if (end) stream = nullptr;
  }
  void onUpstreamBody(std::string_view data, bool end) override {
    said += data;
    if (end) stream = nullptr;
  }
  void onUpstreamTrailers(Fields&) override { stream = nullptr; }
  void onUpstreamFailure(const Failure& failure) override {
    said += failure.detail;
    stream = nullptr;
  }
  void onUpstreamWritable() override {}

  Arena arena;
  RequestHead head;
  ByteMeter bytes;
  codec::ClientStream* stream = nullptr;
  std::string said;
};

class ClusterChangesTest : public testing::Test {
 protected:
  ClusterChangesTest() {
    const std::string name = "@weir-cluster-changes-" + std::to_string(::getpid());
    server_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = *net::Address::unixPath(name);
    EXPECT_EQ(net::bindTo(server_.get(), address), 0);
    EXPECT_EQ(::listen(server_.get(), 8), 0);
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->address = address;
    auto set = std::make_shared<EndpointSet>();
    set->all.push_back(std::move(endpoint));
    endpoints_ = std::move(set);
  }
  ~ClusterChangesTest() override {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  ClusterPtr make(const std::string& name, uint32_t slot = 0) {
    settings_.name = name;
    auto cluster = std::make_shared<Cluster>(slot, settings_, StatScope(stats_).scope("c"));
    cluster->publish(endpoints_);
    return cluster;
  }
  std::weak_ptr<Cluster> put(const std::string& name, uint32_t slot = 0) {
    ClusterPtr cluster = make(name, slot);
    set(slot, cluster);
    return cluster;
  }
  void set(uint32_t slot, ClusterPtr cluster) {
    net::Loop::Turn turn(loop_);
    clusters_.set(slot, std::move(cluster));
  }
  WorkerCluster* find(uint32_t slot = 0) { return clusters_.find(slot, 0); }
  void acquire(Request& request, WorkerCluster& from) {
    net::Loop::Turn turn(loop_);
    from.choose(0)->acquire(request);
  }
  void turn() {
    for (int i = 0; i < 4; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  net::Fd accept() {
    return net::Fd(::accept4(server_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  static bool isClosed(const net::Fd& peer) {
    char buffer[1000];
    ssize_t n = 1;
    while (n > 0) n = ::recv(peer.get(), buffer, sizeof buffer, 0);
    return n == 0;
  }
  static std::string received(const net::Fd& peer) {
    char buffer[1000];
    const ssize_t n = ::recv(peer.get(), buffer, sizeof buffer, 0);
    return n <= 0 ? std::string() : std::string(buffer, static_cast<size_t>(n));
  }
  void answer(const net::Fd& peer, const std::string& body) {
    const std::string text =
        "HTTP/1.1 200 fine\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    say(peer, text);
  }
  void say(const net::Fd& peer, std::string_view text) {
    ASSERT_EQ(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    turn();
  }
  uint64_t stat(std::string_view name) { return stats_.value(name).value_or(~uint64_t{0}); }

  StatStore stats_;
  StillClock clock_;
  net::Loop loop_{&clock_};
  ChunkPool chunks_;
  net::Fd server_;
  EndpointSetPtr endpoints_;
  ClusterSettings settings_;
  WorkerClusters clusters_{loop_};
};

TEST_F(ClusterChangesTest, NamesAreFoundAsTheyStandNow) {
  put("a", 0);
  put("b", 7);
  EXPECT_EQ(clusters_.slotOf("a"), 0u);
  EXPECT_EQ(clusters_.slotOf("b"), 7u);
  EXPECT_EQ(find(3), nullptr) << "a slot in between";
  put("c", 7);
  EXPECT_EQ(clusters_.slotOf("b"), kNoSlot);
  EXPECT_EQ(clusters_.slotOf("c"), 7u);
  put("c", 3);
  set(7, nullptr);
  EXPECT_EQ(clusters_.slotOf("c"), 3u)
      << "the one that was set last, whatever becomes of the other";
  EXPECT_EQ(find(3)->cluster().name(), "c");
  set(3, nullptr);
  set(100, nullptr);
  EXPECT_EQ(clusters_.slotOf("c"), kNoSlot);
  EXPECT_EQ(find(3), nullptr);
}

TEST_F(ClusterChangesTest, WhatNobodyUsesDiesAtOnce) {
  const auto unseen = put("a");
  const auto seen = put("a");
  EXPECT_TRUE(unseen.expired());
  WorkerCluster* const worker = find();
  worker->choose(0);
  set(0, seen.lock());
  EXPECT_EQ(find(), worker) << "the same cluster again is no change";
  set(0, nullptr);
  EXPECT_TRUE(seen.expired());
}

TEST_F(ClusterChangesTest, WhoHasAUseHasTheCluster) {
  const auto former = put("a");
  auto use = std::make_unique<ClusterUse>(*find());
  set(0, nullptr);
  EXPECT_FALSE(former.expired());
  {
    net::Loop::Turn turn(loop_);
    ClusterUse moved = std::move(*use);
    use.reset();
    EXPECT_FALSE(former.expired());
  }
  EXPECT_TRUE(former.expired());
}

TEST_F(ClusterChangesTest, AUseOutlivesAllClusters) {
  const auto former = put("a");
  ClusterUse use(*find());
  {
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }
  EXPECT_FALSE(former.expired());
  {
    net::Loop::Turn turn(loop_);
    use = ClusterUse();
  }
  EXPECT_TRUE(former.expired());
}

TEST_F(ClusterChangesTest, IdleConnectionsCloseAndBusyOnesFinish) {
  const auto former = put("a");
  auto request = std::make_unique<Request>(chunks_);
  Request other(chunks_);
  acquire(*request, *find());
  turn();
  const net::Fd busy = accept();
  acquire(other, *find());
  turn();
  const net::Fd idle = accept();
  answer(idle, "idle");
  EXPECT_EQ(other.said, "200 idle");
  const auto next = put("a");
  EXPECT_TRUE(isClosed(idle));
  EXPECT_EQ(stat("c.upstream_cx_active"), 1u);
  EXPECT_EQ(former.lock()->budgets(Priority::Default).requests.taken(), 1u);
  EXPECT_EQ(next.lock()->budgets(Priority::Default).requests.taken(), 0u);
  acquire(other, *find());
  turn();
  const net::Fd fresh = accept();
  EXPECT_EQ(received(fresh).substr(0, 5), "GET /") << "on a connection of the new cluster";
  EXPECT_NE(received(busy), "");
  answer(busy, "whole");
  EXPECT_EQ(request->said, "200 whole");
  EXPECT_TRUE(isClosed(busy));
  EXPECT_TRUE(former.expired());
  EXPECT_FALSE(next.expired());
  EXPECT_EQ(stat("c.upstream_cx_active"), 1u);
  EXPECT_EQ(stat("c.upstream_cx_total"), 3u);
}

TEST_F(ClusterChangesTest, WhoWaitsForAConnectionGetsIt) {
  const auto former = put("a");
  Request request(chunks_);
  acquire(request, *find());
  EXPECT_EQ(stat("c.upstream_rq_pending_active"), 1u);
  set(0, nullptr);
  turn();
  const net::Fd peer = accept();
  EXPECT_NE(received(peer), "");
  answer(peer, "late");
  EXPECT_EQ(request.said, "200 late");
  EXPECT_TRUE(isClosed(peer));
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(stat("c.upstream_rq_pending_active"), 0u);
  EXPECT_EQ(stat("c.upstream_cx_active"), 0u);
}

TEST_F(ClusterChangesTest, ConnectionsOfHttp2EndWithTheirLastStream) {
  using namespace std::string_view_literals;
  constexpr auto kSettings = "\0\0\0\4\0\0\0\0\0"sv;
  settings_.http_version = HttpVersion::Http2;
  const auto former = put("a");
  Request busy(chunks_), waiting(chunks_);
  acquire(busy, *find());
  turn();
  const net::Fd peer = accept();
  say(peer, kSettings);
  const auto next = put("a");
  acquire(waiting, *find());  // its connection is made while the cluster retires
  set(0, nullptr);
  turn();
  const net::Fd late = accept();
  say(late, kSettings);
  EXPECT_FALSE(isClosed(peer));
  for (const net::Fd* server : {&peer, &late}) say(*server, "\0\0\1\1\5\0\0\0\1\x88"sv);
  EXPECT_EQ(busy.said, "200 ");
  EXPECT_EQ(waiting.said, "200 ");
  EXPECT_TRUE(isClosed(peer));
  EXPECT_TRUE(isClosed(late));
  EXPECT_TRUE(former.expired());
  EXPECT_TRUE(next.expired());
  EXPECT_EQ(stat("c.upstream_cx_active"), 0u);
}

TEST_F(ClusterChangesTest, WhoWaitsAndLeavesKeepsNothing) {
  const auto former = put("a");
  {
    Request request(chunks_);
    acquire(request, *find());
    set(0, nullptr);
  }
  EXPECT_FALSE(former.expired()) << "the connection is under way";
  turn();
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(stat("c.upstream_cx_active"), 0u);
}

TEST_F(ClusterChangesTest, ARetiredClusterServesWhoBeganWithIt) {
  const auto former = put("a");
  WorkerCluster& worker = *find();
  auto use = std::make_unique<ClusterUse>(worker);
  set(0, nullptr);
  for (const char* body : {"first", "second"}) {
    Request request(chunks_);
    acquire(request, worker);
    turn();
    const net::Fd peer = accept();
    answer(peer, body);
    EXPECT_EQ(request.said, std::string("200 ") + body);
    EXPECT_TRUE(isClosed(peer)) << "nothing is kept for the next one";
  }
  EXPECT_FALSE(former.expired());
  net::Loop::Turn turn(loop_);
  use.reset();
}

TEST_F(ClusterChangesTest, ATcpStreamGoesOnWithoutItsCluster) {
  const auto former = put("a");
  Request tunnel(chunks_);
  {
    net::Loop::Turn turn(loop_);
    tunnel.stream = TcpStream::open(loop_, find()->shared(), endpoints_->all[0], Priority::Default,
                                    tunnel, tunnel.bytes);
    tunnel.stream->sendHead(tunnel.head, false);
  }
  turn();
  const net::Fd peer = accept();
  put("a");
  say(peer, "down");
  EXPECT_EQ(tunnel.said, "200 down");
  {
    net::Loop::Turn turn(loop_);
    tunnel.stream->sendBody("up", false);
  }
  EXPECT_EQ(received(peer), "up");
  EXPECT_EQ(former.lock()->budgets(Priority::Default).connections.taken(), 1u);
  EXPECT_EQ(stat("c.upstream_cx_active"), 1u);
  {
    net::Loop::Turn turn(loop_);
    std::exchange(tunnel.stream, nullptr)->detach();
  }
  EXPECT_TRUE(isClosed(peer));
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(stat("c.upstream_cx_active"), 0u);
}

TEST_F(ClusterChangesTest, EndpointsOfAFormerClusterChangeNothing) {
  const ClusterPtr former = make("a");
  set(0, former);
  EXPECT_EQ(find()->endpointCount(), 1u);
  const ClusterPtr next = make("a");
  set(0, next);
  EXPECT_EQ(find()->endpointCount(), 1u);
  net::Loop::Turn turn(loop_);
  clusters_.update(former, std::make_shared<EndpointSet>());
  EXPECT_EQ(find()->endpointCount(), 1u);
  clusters_.update(make("a", 50), std::make_shared<EndpointSet>());
  clusters_.update(next, std::make_shared<EndpointSet>());
  EXPECT_EQ(find()->endpointCount(), 0u);
}

TEST_F(ClusterChangesTest, MembersCountOnceWhicheverThreadCountsThem) {
  const ClusterPtr former = make("a");
  set(0, former);
  former->stats();
  EXPECT_EQ(stat("c.membership_total"), 1u);
  const ClusterPtr next = make("a");
  set(0, next);
  EXPECT_EQ(stat("c.membership_total"), 0u);
  std::thread([&] { next->stats(); }).join();
  EXPECT_EQ(stat("c.membership_total"), 1u);
  EXPECT_EQ(stat("c.membership_change"), 2u);
  const ClusterPtr unused = make("a");
  set(0, unused);
  set(0, nullptr);
  unused->stats();
  EXPECT_EQ(stat("c.membership_total"), 0u) << "one that drains is no member";
}

}  // namespace
}  // namespace weir::cluster
