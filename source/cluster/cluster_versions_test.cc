// Versions of a cluster that go on with the same connections.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "source/cluster/changes_fixture.h"

namespace weir::cluster {
namespace {

using namespace std::chrono_literals;

class ClusterVersionsTest : public ClusterChangesTest {
 protected:
  // Puts another version of the cluster in slot 0 there; the former is the fixture's no more.
  std::weak_ptr<Cluster> goOn(const ClusterPtr& former) {
    const ClusterPtr next = make("a", 0, former.get());
    set(0, next);
    return next;
  }
  net::Fd connected(Request& request) {
    acquire(request, *find());
    turn();
    return accept();
  }
  // The same host with another weight or health.
  void change(uint32_t weight, Health health = Health::Healthy) {
    auto endpoint = std::make_shared<Endpoint>(endpoints_->all[0]->shared_counts);
    endpoint->address = endpoints_->all[0]->address;
    endpoint->weight = weight;
    endpoint->health = health;
    endpoints_ = std::make_shared<const EndpointSet>(EndpointSet{{std::move(endpoint)}});
  }
  void publish(const ClusterPtr& cluster) {
    net::Loop::Turn turn(loop_);
    cluster->publish(endpoints_);
    clusters_.update(cluster, endpoints_);
  }
};

TEST_F(ClusterVersionsTest, IdleAndBusyConnectionsGoOn) {
  auto former = put("a").lock();
  Request first(chunks_), busy(chunks_), next(chunks_);
  const net::Fd one = connected(first);
  const net::Fd two = connected(busy);
  answer(one, "first");
  const std::weak_ptr<Cluster> gone = former;
  settings_.connect_timeout = 7s;
  const auto second = goOn(former);
  former.reset();
  EXPECT_TRUE(gone.expired()) << "connections keep no former version";
  EXPECT_EQ(find()->cluster().settings().connect_timeout, 7s);
  EXPECT_EQ(second.lock()->budgets(Priority::Default).connections.taken(), 2u);
  EXPECT_EQ(second.lock()->budgets(Priority::Default).requests.taken(), 1u);
  received(one);
  acquire(next, *find());
  EXPECT_EQ(received(one).substr(0, 5), "GET /");
  answer(one, "next");
  answer(two, "busy");
  EXPECT_EQ(next.said, "200 next");
  EXPECT_EQ(busy.said, "200 busy");
  EXPECT_EQ(stat("c.upstream_cx_total"), 2u);
  EXPECT_EQ(stat("c.upstream_cx_active"), 2u);
  EXPECT_EQ(second.lock()->budgets(Priority::Default).requests.taken(), 0u);
  set(0, nullptr);
  EXPECT_TRUE(isClosed(one));
  EXPECT_TRUE(isClosed(two));
  EXPECT_TRUE(second.expired());
  EXPECT_EQ(stat("c.upstream_cx_active"), 0u);
}

TEST_F(ClusterVersionsTest, WhoBeganWithAVersionKeepsItAndFindsItsSuccessorsConnections) {
  auto former = put("a").lock();
  WorkerCluster& worker = *find();
  auto use = std::make_unique<ClusterUse>(worker);
  const auto second = goOn(former);
  EXPECT_EQ(&worker.cluster(), former.get());
  EXPECT_NE(find(), &worker);
  Request request(chunks_), other(chunks_);
  acquire(request, worker);
  turn();
  const net::Fd peer = accept();
  answer(peer, "one");
  EXPECT_EQ(request.said, "200 one");
  acquire(other, *find());
  answer(peer, "two");
  EXPECT_EQ(other.said, "200 two");
  EXPECT_EQ(stat("c.upstream_cx_total"), 1u);
  const std::weak_ptr<Cluster> gone = former;
  former.reset();
  EXPECT_FALSE(gone.expired());
  {
    net::Loop::Turn turn(loop_);
    use.reset();
  }
  EXPECT_TRUE(gone.expired());
  EXPECT_FALSE(second.expired());
}

TEST_F(ClusterVersionsTest, WhoWaitsForAConnectionGetsIt) {
  auto former = put("a").lock();
  Request request(chunks_);
  acquire(request, *find());
  const auto second = goOn(former);
  former.reset();
  turn();
  const net::Fd peer = accept();
  answer(peer, "late");
  EXPECT_EQ(request.said, "200 late");
  EXPECT_FALSE(isClosed(peer));
  EXPECT_EQ(stat("c.upstream_rq_pending_active"), 0u);
}

TEST_F(ClusterVersionsTest, StreamsOfHttp2GoOnBesideNewOnes) {
  using namespace std::string_view_literals;
  settings_.http_version = HttpVersion::Http2;
  auto former = put("a").lock();
  Request busy(chunks_), next(chunks_);
  const net::Fd peer = connected(busy);
  say(peer, "\0\0\0\4\0\0\0\0\0"sv);
  const auto second = goOn(former);
  const std::weak_ptr<Cluster> gone = former;
  former.reset();
  EXPECT_TRUE(gone.expired());
  acquire(next, *find());
  turn();
  say(peer, "\0\0\1\1\5\0\0\0\1\x88"sv);
  say(peer, "\0\0\1\1\5\0\0\0\3\x88"sv);
  EXPECT_EQ(busy.said, "200 ");
  EXPECT_EQ(next.said, "200 ");
  EXPECT_EQ(stat("c.upstream_cx_total"), 1u);
  EXPECT_FALSE(isClosed(peer));
}

TEST_F(ClusterVersionsTest, LimitsAreThoseOfTheVersionInForce) {
  settings_.limits.max_requests = 1;
  auto former = put("a").lock();
  Request busy(chunks_), refused(chunks_), taken(chunks_);
  const net::Fd peer = connected(busy);
  acquire(refused, *find());
  EXPECT_EQ(refused.said, "max_requests");
  settings_.limits.max_requests = 2;
  goOn(former);
  acquire(taken, *find());
  EXPECT_EQ(taken.said, "");
  answer(peer, "done");
  net::Loop::Turn turn(loop_);
  if (taken.stream != nullptr) std::exchange(taken.stream, nullptr)->detach();
}

TEST_F(ClusterVersionsTest, AnotherWeightIsTheSameHost) {
  const ClusterPtr cluster = put("a").lock();
  Request first(chunks_), next(chunks_);
  const net::Fd peer = connected(first);
  answer(peer, "first");
  change(5);
  publish(cluster);
  EXPECT_EQ(find()->chooseEndpoint(0)->weight, 5u);
  acquire(next, *find());
  answer(peer, "next");
  EXPECT_EQ(next.said, "200 next");
  EXPECT_EQ(stat("c.upstream_cx_total"), 1u);
  EXPECT_EQ(endpoints_->all[0]->counts.cx_active, 1u);
}

TEST_F(ClusterVersionsTest, AnEndpointThatIsIllForAWhileKeepsItsConnections) {
  settings_.panic_threshold = 0;
  const ClusterPtr cluster = put("a").lock();
  Request first(chunks_), busy(chunks_), next(chunks_);
  const net::Fd idle = connected(first);
  const net::Fd peer = connected(busy);
  answer(idle, "first");
  change(1, Health::Unhealthy);
  publish(cluster);
  EXPECT_EQ(find()->choose(0), nullptr);
  EXPECT_EQ(find()->chooseEndpoint(0), nullptr);
  answer(peer, "busy");
  EXPECT_EQ(busy.said, "200 busy");
  change(1, Health::Degraded);
  publish(cluster);
  acquire(next, *find());
  EXPECT_FALSE(isClosed(idle));
  EXPECT_EQ(stat("c.upstream_cx_total"), 2u);
  EXPECT_EQ(stat("c.upstream_cx_active"), 2u);
  net::Loop::Turn turn(loop_);
  if (next.stream != nullptr) std::exchange(next.stream, nullptr)->detach();
}

TEST_F(ClusterVersionsTest, OneThatDoesNotContinueEndsAllBeforeIt) {
  auto former = put("a").lock();
  Request first(chunks_);
  const net::Fd peer = connected(first);
  answer(peer, "first");
  const auto second = goOn(former);
  former.reset();
  EXPECT_FALSE(isClosed(peer));
  put("a");
  EXPECT_TRUE(isClosed(peer));
  EXPECT_TRUE(second.expired());
}

TEST_F(ClusterVersionsTest, ManyVersionsLeaveNothingBehind) {
  auto former = put("a").lock();
  Request busy(chunks_);
  const net::Fd peer = connected(busy);
  std::vector<std::weak_ptr<Cluster>> all;
  for (int i = 0; i < 100; ++i) {
    all.push_back(former);
    former = goOn(former).lock();
  }
  for (const auto& version : all) EXPECT_TRUE(version.expired());
  answer(peer, "done");
  EXPECT_EQ(busy.said, "200 done");
  EXPECT_EQ(stat("c.upstream_cx_total"), 1u);
}

}  // namespace
}  // namespace weir::cluster
