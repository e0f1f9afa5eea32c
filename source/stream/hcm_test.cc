// Requests follow the plan of the moment they begin in: on one HTTP/1 connection.
#include "source/stream/hcm.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>
#include <map>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/net/still_clock.h"
#include "source/stream/codec_choice.h"
#include "source/stream/scopes.h"
#include "source/stream/services.h"
#include "test/harness/config.h"
#include "test/harness/origin.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;

class HcmTest : public testing::Test, public transport::ServerConnections {
 protected:
  ~HcmTest() override {
    net::Loop::Turn turn(loop_);
    if (server_ != nullptr) server_->close();
    clusters_.clear();
  }

  // Answers "/" with `text`; what is below /origin goes there.
  std::shared_ptr<const HcmPlan> plan(const std::string& text) {
    const std::string routes =
        "- match: {prefix: /origin}\n  route: {cluster: origin}\n"
        "- match: {prefix: /}\n  direct_response: {status: 200, body: {inline_string: " +
        text + "}}\n";
    auto& proxy = proxies_.emplace_back(test::noFilter().withRoutes(routes));
    EXPECT_NE(proxy.plan, nullptr) << proxy.report.text();
    return proxy.plan;
  }
  // As it is before the first answer of a route discovery.
  std::shared_ptr<const HcmPlan> planWithoutRoutes() {
    const StatScope scope = StatScope(stats_).scope("http").scope("none");
    auto made = std::make_shared<HcmPlan>(scope, StatScope(stats_).scope("http2"));
    made->chains.shared = std::make_shared<const Chain>(std::vector<ChainSlot>{});
    return made;
  }

  void open(const std::shared_ptr<const HcmPlan>& first) {
    hcm_ = std::make_shared<Hcm>(first, 1);
    if (!proxies_.empty()) {
      for (const auto& one : proxies_.front().clusters) clusters_.set(one->slot(), one);
    }
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    client_ = net::Fd(ends[0]);
    net::Loop::Turn turn(loop_);
    auto connection = std::make_unique<transport::Connection>(loop_);
    connection->accept(net::Fd(ends[1]));
    const transport::Accepted accepted{*net::Address::ip("192.0.2.1", 1),
                                       *net::Address::ip("192.0.2.2", 2), 7, loop_.now()};
    server_ = &serveHttp(services_, hcm_, *this, std::move(connection), accepted, {});
  }
  void reachOrigin() {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    proxies_.front().clusters.front()->publish(std::move(set));
  }

  void onServerClosed(transport::ServerConnection&) override { server_ = nullptr; }
  void onServerReplaced(transport::ServerConnection&, transport::ServerConnection& next) override {
    server_ = &next;
  }

  // One whose scopes are chosen by the field x-scope; each has the routes of a plan().
  std::shared_ptr<const HcmPlan> planWithScopes(
      const std::map<std::string, std::shared_ptr<const HcmPlan>>& scopes) {
    ScopeKeyBuilder::Proto key;
    auto& field = *key.add_fragments()->mutable_header_value_extractor();
    field.set_name("X-Scope");
    field.set_index(0);
    Report report;
    auto spec = std::make_shared<ScopesSpec>();
    spec->key = ScopeKeyBuilder::from(key, Where(report));
    auto base = std::make_shared<HcmPlan>(*planWithoutRoutes());
    base->scoped = std::move(spec);
    std::unordered_map<std::string, std::shared_ptr<const HcmPlan>> by_key;
    for (const auto& [name, plan] : scopes) {
      ScopedRouteConfiguration::Key proto;
      proto.add_fragments()->set_string_key(name);
      by_key[readScopeKey(proto, Where(report)).value()] = plan;
    }
    return withScopes(*base, std::move(by_key));
  }

  void ask(const std::string& path, const std::string& fields = {}) {
    const std::string text = "GET " + path + " HTTP/1.1\r\nhost: t\r\n" + fields + "\r\n";
    ASSERT_EQ(::send(client_.get(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  // What came since the last time.
  std::string answer() {
    std::string all;
    for (int i = 0; i < 12; ++i) {
      event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
      char bytes[65536];
      const ssize_t got = ::recv(client_.get(), bytes, sizeof bytes, 0);
      if (got > 0) all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    net::Loop::Turn turn(loop_);
    loop_.timers().advance(clock_.at);
  }

  StatStore stats_;
  std::deque<test::Proxy> proxies_;
  net::StillClock clock_;
  net::Loop loop_{&clock_};
  cluster::WorkerClusters clusters_{loop_};
  Services services_{loop_, clusters_, 1};
  uint64_t progress_ = 0;
  test::Origin origin_{loop_, progress_};
  std::shared_ptr<Hcm> hcm_;
  transport::ServerConnection* server_ = nullptr;
  net::Fd client_;
};

TEST_F(HcmTest, TheNextRequestOfAConnectionSeesTheNewPlan) {
  open(plan("old"));
  ask("/");
  EXPECT_TRUE(answer().ends_with("old"));
  hcm_->replace(0, plan("new"));
  ask("/");
  EXPECT_TRUE(answer().ends_with("new"));
}

TEST_F(HcmTest, ARequestInFlightKeepsItsPlanAlive) {
  auto first = plan("old");
  open(first);
  reachOrigin();
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  ask("/origin");
  EXPECT_EQ(answer(), "");
  hcm_->replace(0, plan("new"));
  EXPECT_GT(first.use_count(), 2) << "the proxy's, this one's, and the worker's";
  pass(3s);
  EXPECT_TRUE(answer().ends_with("late"));
}

TEST_F(HcmTest, APlanThatNobodyUsesIsGone) {
  open(plan("old"));
  auto next = planWithoutRoutes();
  const std::weak_ptr<const HcmPlan> gone = next;
  hcm_->replace(0, std::exchange(next, nullptr));
  EXPECT_FALSE(gone.expired());
  hcm_->replace(0, plan("new"));
  EXPECT_TRUE(gone.expired()) << "the connection has the one it began with";
}

TEST_F(HcmTest, WithoutRoutesNothingIsFound) {
  open(planWithoutRoutes());
  ask("/");
  EXPECT_TRUE(answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_EQ(stats_.value("http.none.no_route"), 1u);
  const auto decisions = services_.decisions.newest(1);
  ASSERT_EQ(decisions.size(), 1u);
  std::string json;
  decisions[0].appendJson(json);
  EXPECT_NE(json.find("route_not_found"), json.npos) << json;
}

TEST_F(HcmTest, ARequestFollowsTheRoutesOfItsScope) {
  open(planWithScopes({{"one", plan("first")}, {"two", plan("second")}}));
  ask("/", "x-scope: two\r\n");
  EXPECT_TRUE(answer().ends_with("second"));
  ask("/", "x-scope: one\r\n");
  EXPECT_TRUE(answer().ends_with("first"));
  for (const char* fields : {"", "x-scope: three\r\n"}) {
    ask("/", fields);
    EXPECT_TRUE(answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
  }
  EXPECT_EQ(stats_.value("http.none.no_route"), 2u);
}

TEST_F(HcmTest, TheRoutesOfAScopeLiveAsLongAsARequestNeedsThem) {
  open(planWithScopes({{"one", plan("first")}}));
  reachOrigin();
  origin_.answer({.status = 200, .body = "late", .delay = 3s});
  ask("/origin", "x-scope: one\r\n");
  EXPECT_EQ(answer(), "");
  hcm_->replace(0, planWithScopes({{"one", plan("second")}}));
  pass(3s);
  EXPECT_TRUE(answer().ends_with("late"));
  ask("/", "x-scope: one\r\n");
  EXPECT_TRUE(answer().ends_with("second"));
}

// What a scope's routes let nobody say from outside does not choose the scope either.
TEST_F(HcmTest, NobodyOutsideChoosesAScopeByWhatIsInternal) {
  const auto base = plan("first");
  RouteConfiguration routes;
  routes.set_name("internal");
  routes.add_internal_only_headers("x-scope");
  auto& host = *routes.add_virtual_hosts();
  host.set_name("all");
  host.add_domains("*");
  auto& route = *host.add_routes();
  route.mutable_match()->set_prefix("/");
  route.mutable_direct_response()->set_status(200);
  struct Build final : router::RouteBuild {
    uint32_t clusterSlot(std::string_view) override { return 0; }
    void error(std::string path, std::string text) override { ADD_FAILURE() << path << text; }
    void warn(std::string, std::string) override {}
    bool validatesClusters() const override { return false; }
  } build;
  auto internal = std::make_shared<HcmPlan>(*base);
  internal->routes = router::RouteTable::from(routes, build);
  internal->chains.by_route.clear();
  open(planWithScopes({{"one", internal}}));
  ask("/", "x-scope: one\r\n");
  EXPECT_TRUE(answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
}

}  // namespace
}  // namespace weir::stream
