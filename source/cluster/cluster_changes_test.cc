// Clusters that are replaced and removed while connections and requests use them.
#include "source/cluster/changes_fixture.h"
#include "source/cluster/pool/tcp_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace weir::cluster {
namespace {

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
  EXPECT_EQ(find()->members().all, 1u);
  const ClusterPtr next = make("a");
  set(0, next);
  EXPECT_EQ(find()->members().all, 1u);
  net::Loop::Turn turn(loop_);
  clusters_.update(former, std::make_shared<EndpointSet>());
  EXPECT_EQ(find()->members().all, 1u);
  clusters_.update(make("a", 50), std::make_shared<EndpointSet>());
  clusters_.update(next, std::make_shared<EndpointSet>());
  EXPECT_EQ(find()->members().all, 0u);
}

TEST_F(ClusterChangesTest, MembersAreThoseOfTheVersionInForce) {
  const auto set_of = [](size_t count) {
    auto set = std::make_shared<EndpointSet>();
    while (set->all.size() < count) set->all.push_back(std::make_shared<Endpoint>());
    return set;
  };
  const ClusterPtr former = make("a");
  set(0, former);
  former->enter();
  former->publish(set_of(3));
  EXPECT_EQ(stat("c.membership_healthy"), 3u);
  const ClusterPtr next = make("a");
  next->publish(set_of(5));
  EXPECT_EQ(stat("c.membership_total"), 3u) << "one that still warms has no members";
  set(0, next);
  next->enter();
  former->publish(set_of(2));
  EXPECT_EQ(stat("c.membership_total"), 5u);
  next->publish(set_of(4));
  EXPECT_EQ(stat("c.membership_total"), 4u);
  set(0, nullptr);
  EXPECT_EQ(stat("c.membership_total"), 0u);
}

TEST_F(ClusterChangesTest, MembersCountByTheirHealth) {
  const ClusterPtr cluster = make("a");
  cluster->enter();
  auto set = std::make_shared<EndpointSet>();
  for (const Health health : {Health::Healthy, Health::Healthy, Health::Degraded, Health::Unhealthy,
                              Health::Draining, Health::Draining}) {
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->health = health;
    set->all.push_back(std::move(endpoint));
  }
  cluster->publish(set);
  const auto members = [this] {
    return std::vector<uint64_t>{stat("c.membership_total"), stat("c.membership_healthy"),
                                 stat("c.membership_degraded"), stat("c.membership_excluded")};
  };
  EXPECT_EQ(members(), (std::vector<uint64_t>{6, 2, 1, 2}));
  cluster->publish(endpoints_);
  EXPECT_EQ(members(), (std::vector<uint64_t>{1, 1, 0, 0}));
  cluster->withdraw();
  EXPECT_EQ(members(), (std::vector<uint64_t>{0, 0, 0, 0}));
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

// An end that nobody has read yet would cost a request that must not be sent twice.
TEST_F(ClusterChangesTest, AConnectionThatStoodIdleAndHasEndedIsNotUsed) {
  put("a");
  Request first(chunks_), next(chunks_);
  acquire(first, *find());
  turn();
  net::Fd peer = accept();
  answer(peer, "one");
  clock_.at += Client::kTrusted + std::chrono::milliseconds(1);
  peer.reset();
  acquire(next, *find());
  EXPECT_EQ(next.said, "");
  turn();
  const net::Fd another = accept();
  ASSERT_TRUE(another);
  answer(another, "two");
  EXPECT_EQ(next.said, "200 two");
  EXPECT_EQ(stat("c.upstream_cx_total"), 2u);
  EXPECT_EQ(stat("c.upstream_cx_active"), 1u);
}

TEST_F(ClusterChangesTest, AConnectionThatStoodIdleAndLivesIsUsed) {
  put("a");
  Request first(chunks_), next(chunks_);
  acquire(first, *find());
  turn();
  const net::Fd peer = accept();
  answer(peer, "one");
  clock_.at += std::chrono::hours(1);
  acquire(next, *find());
  answer(peer, "two");
  EXPECT_EQ(next.said, "200 two");
  EXPECT_EQ(stat("c.upstream_cx_total"), 1u);
}

}  // namespace
}  // namespace weir::cluster
