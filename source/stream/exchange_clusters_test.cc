// Clusters that are replaced and removed while requests use them: what began with a cluster ends
// with it, and when nothing uses it any more it is gone.
#include <google/protobuf/empty.pb.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <deque>

#include "test/harness/exchange.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;
using test::Seen;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kOther[] = "GET / HTTP/1.1\r\nhost: a.test\r\nto: other\r\n\r\n";
constexpr char kUpgrade[] =
    "GET / HTTP/1.1\r\nhost: a.test\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n";
constexpr char kConnect[] = "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n";

std::string& logged() {
  static std::string text;
  return text;
}

struct Plan {
  static Result<Plan> from(const google::protobuf::Empty&, PlanBuild&) { return Plan{}; }
};

// Reads what an access log would.
class Witness final : public Filter {
 public:
  explicit Witness(const Plan&) {}
  void onDone(const StreamInfo& info, Stream&) override { logged() = info.cluster; }
};

test::Config witnessed() {
  return test::filter("\"@type\": type.googleapis.com/google.protobuf.Empty")
      .knowing([](FilterRegistry& registry) {
        registry.add<google::protobuf::Empty, Plan, Witness>("test.witness");
      });
}

// By their field "to", to cluster "origin" without one.
test::Config byField() {
  return witnessed()
      .withRoutes(
          "- match: {prefix: /, headers: [{name: to, present_match: true}]}\n"
          "  route: {cluster_header: to}\n"
          "- match: {prefix: /}\n"
          "  route: {cluster: origin, timeout: 60s}\n")
      .cluster("other");
}

Reply after(std::chrono::milliseconds delay, std::string body) {
  Reply reply{200, {}, std::move(body)};
  reply.delay = delay;
  return reply;
}

TEST(ExchangeClusters, aRequestUnderWayIsAnsweredByTheClusterItBeganWith) {
  Exchange x{byField()};
  x.origin(after(1s, "whole"));
  x.request(kGet);
  const auto former = x.replace("origin");
  EXPECT_FALSE(former.expired());
  x.finish();
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.body(), "whole");
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_cx_active"), 0u) << "it was closed behind the response";
  x.request(kGet);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 1u);
  x.finish();
  EXPECT_EQ(x.body(), "whole");
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_total"), 2u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_cx_active"), 1u);
}

TEST(ExchangeClusters, aRemovedClusterIsNotFoundAndEndsItsRequest) {
  Exchange x{byField()};
  x.origin("other", after(1s, "whole"));
  x.request(kOther);
  const auto former = x.remove("other");
  EXPECT_FALSE(former.expired());
  x.finish();
  EXPECT_EQ(x.body(), "whole");
  EXPECT_EQ(logged(), "other");
  EXPECT_TRUE(former.expired());
  x.request(kOther);
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.details(), "cluster_not_found");
  EXPECT_TRUE(x.has(ResponseFlag::NoClusterFound));
}

TEST(ExchangeClusters, whoWaitsForAConnectionGetsIt) {
  Exchange x{byField()};
  x.origin({200, {}, "served"});
  x.begin(kGet);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_pending_active"), 1u);
  const auto former = x.remove("origin");
  x.finish();
  EXPECT_EQ(x.body(), "served");
  EXPECT_TRUE(former.expired());
}

TEST(ExchangeClusters, aRetryGoesToTheClusterOfTheFirstAttempt) {
  for (const bool removed : {false, true}) {
    Exchange x{witnessed().withRoutes(
        "- match: {prefix: /}\n"
        "  route: {cluster: origin, retry_policy: {retry_on: 5xx, num_retries: 2}}\n")};
    int bad = 2;
    x.origin("origin", [&bad](const Seen&) {
      return bad-- > 0 ? Reply{503, {}, "bad"} : Reply{200, {}, "good"};
    });
    x.request(kGet);
    EXPECT_FALSE(x.finished()) << "in the pause";
    const auto former = removed ? x.remove("origin") : x.replace("origin");
    EXPECT_EQ(x.originOf("origin").connections(), 0u) << "no connection is kept for it";
    x.finish();
    EXPECT_EQ(x.status(), 200);
    EXPECT_EQ(x.body(), "good");
    EXPECT_EQ(x.originRequests(), 3u);
    EXPECT_TRUE(former.expired());
    EXPECT_EQ(x.stat("cluster.origin.upstream_rq_retry"), 2u);
    EXPECT_EQ(x.stat("cluster.origin.upstream_cx_active"), 0u);
    EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
  }
}

TEST(ExchangeClusters, aRequestThatIsGivenUpLeavesNothingOfItsCluster) {
  Reply never;
  never.fate = Reply::Fate::Never;
  Exchange x{byField()};
  x.origin(never);
  x.request(kGet);
  const auto former = x.replace("origin");
  x.vanish();
  EXPECT_TRUE(x.finished());
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
}

// A socket that one connection is taken from, and what is said on it.
class Peer {
 public:
  explicit Peer(const std::string& name)
      : address(*net::Address::unixPath("@weir-peer-" + name + std::to_string(::getpid()))),
        server_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(net::bindTo(server_.get(), address), 0);
    EXPECT_EQ(::listen(server_.get(), 8), 0);
  }
  void accept() {
    connection_.reset(::accept4(server_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_TRUE(connection_);
  }
  void say(std::string_view bytes) {
    EXPECT_EQ(::send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  bool isClosed() {
    char bytes[1000];
    ssize_t n = 0;
    do n = ::recv(connection_.get(), bytes, sizeof bytes, 0);
    while (n > 0);
    return n == 0;
  }

  const net::Address address;

 private:
  net::Fd server_, connection_;
};

test::Config tunnels() {
  return witnessed()
      .withHcm("upgrade_configs: [{upgrade_type: raw}, {upgrade_type: CONNECT}]")
      .withRoutes(
          "- match: {connect_matcher: {}}\n"
          "  route: {cluster: origin, upgrade_configs: [{upgrade_type: CONNECT, connect_config: "
          "{}}]}\n"
          "- match: {prefix: /}\n"
          "  route: {cluster: origin}\n");
}

void expectTunnelOutlivesCluster(std::string_view request, std::string_view answer, int status) {
  Exchange x{tunnels()};
  Peer peer("tunnel");
  x.reach("origin", peer.address);
  x.request(request);
  peer.accept();
  if (!answer.empty()) peer.say(answer);
  x.settle();
  EXPECT_EQ(x.status(), status);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 1u);
  const auto former = x.replace("origin");
  x.settle();
  peer.say("through the tunnel");
  x.settle();
  EXPECT_EQ(x.body(), "through the tunnel");
  EXPECT_FALSE(x.finished());
  EXPECT_FALSE(former.expired());
  logged().clear();
  x.vanish();
  EXPECT_TRUE(x.finished());
  EXPECT_EQ(logged(), "origin");
  EXPECT_TRUE(peer.isClosed());
  EXPECT_TRUE(former.expired());
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_cx_active"), 0u);
}

TEST(ExchangeClusters, aTunnelGoesOnWithTheClusterItBeganWith) {
  expectTunnelOutlivesCluster(
      kUpgrade, "HTTP/1.1 101 yes\r\nconnection: upgrade\r\nupgrade: raw\r\n\r\n", 101);
}

TEST(ExchangeClusters, soDoesOneThatEndsInBareTcp) {
  expectTunnelOutlivesCluster(kConnect, "", 200);
}

TEST(ExchangeClusters, aThousandReplacementsUnderLoadLeaveNothingBehind) {
  Exchange x{byField()};
  std::deque<std::weak_ptr<cluster::Cluster>> formers;
  size_t used_before = 0;
  for (int i = 0; i < 1100; ++i) {
    x.origin(after(std::chrono::milliseconds(i % 3 * 20), std::to_string(i)));
    x.begin(kGet);
    if (i % 2 == 0) x.settle();  // else while the connection is being made
    formers.push_back(x.replace("origin"));
    x.finish();
    ASSERT_EQ(x.body(), std::to_string(i));
    std::erase_if(formers, [](const auto& former) { return former.expired(); });
    ASSERT_TRUE(formers.empty()) << "after " << i;
    x.originOf("origin").forget();
    if (i == 100) used_before = ::mallinfo2().uordblks;
  }
  EXPECT_LT(::mallinfo2().uordblks, used_before + 64 * 1024);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_total"), 1100u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_cx_active"), 0u);
}

}  // namespace
}  // namespace weir::stream
