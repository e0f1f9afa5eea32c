// Calls through real pools to the harness's scripted origin.
#include "source/stream/async_call.h"

#include "source/net/still_clock.h"
#include "source/stream/waits.h"

#include "test/harness/config.h"
#include "test/harness/origin.h"
#include "weir/task.h"

#include <gtest/gtest.h>

#include <optional>

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using test::Reply;

class AsyncCallTest : public testing::Test {
 protected:
  explicit AsyncCallTest(const test::Config& config = test::noFilter().cluster("empty"))
      : proxy_(config) {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    endpoint->text = "origin";
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    proxy_.clusters.front()->publish(std::move(set));
    for (const auto& cluster : proxy_.clusters) clusters_.set(cluster->slot(), cluster);
  }
  ~AsyncCallTest() override {
    task_.reset();
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  void settle() {
    for (int i = 0; i < 20; ++i) event_base_loop(loop_.base(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
  }
  void pass(std::chrono::milliseconds time) {
    clock_.at += time;
    {
      net::Loop::Turn turn(loop_);
      loop_.timers().advance(clock_.at);
    }
    settle();
  }

  Task<CallResult> one(CallRequest request) {
    co_return co_await callThrough(services_, std::move(request));
  }
  // Starts it and runs until nothing moves.
  void begin(Task<CallResult> task) {
    task_.emplace(std::move(task));
    {
      net::Loop::Turn turn(loop_);
      task_->start();
    }
    settle();
  }
  CallResult call(CallRequest request) {
    begin(one(std::move(request)));
    if (!task_->done()) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return task_->take();
  }
  static CallRequest to(std::string cluster, std::string path = "/") {
    CallRequest request;
    request.cluster = std::move(cluster);
    request.path = std::move(path);
    return request;
  }

  net::StillClock clock_;
  net::Loop loop_{&clock_};
  uint64_t progress_ = 0;
  test::Origin origin_{loop_, progress_};
  test::Proxy proxy_;
  cluster::WorkerClusters clusters_{loop_};
  Services services_{loop_, clusters_, 1};
  std::optional<Task<CallResult>> task_;
};

TEST_F(AsyncCallTest, IsAnsweredWhole) {
  origin_.answer(Reply{201, {{"X-A", "b"}}, "body"});
  CallRequest request = to("origin", "/p?q");
  request.method = "PUT";
  request.authority = "a.test";
  request.fields = {{"x-one", "1"}};
  request.body = "ask";
  const CallResult result = call(request);
  EXPECT_FALSE(result.failure);
  EXPECT_EQ(result.status, 201);
  EXPECT_EQ(result.field("x-a"), "b");
  EXPECT_EQ(result.body, "body");
  EXPECT_EQ(origin_.seen().at(0).text(),
            "PUT /p?q\nhost: a.test\nx-one: 1\ncontent-length: 3\n\nask");
}

TEST_F(AsyncCallTest, ChunkedAnswersWithTrailersEnd) {
  Reply reply{200, {}, "abc"};
  reply.trailers = {{"x-t", "1"}};
  origin_.answer(reply);
  EXPECT_EQ(call(to("origin")).body, "abc");
}

TEST_F(AsyncCallTest, UnknownClustersAndThoseWithoutEndpointsFailAtOnce) {
  EXPECT_EQ(call(to("nowhere")).failure.kind, FailureKind::ConnectFailed);
  EXPECT_EQ(call(to("empty")).failure.kind, FailureKind::ConnectFailed);
}

TEST_F(AsyncCallTest, TimesOut) {
  Reply never;
  never.fate = Reply::Fate::Never;
  origin_.answer(never);
  CallRequest request = to("origin");
  request.timeout = 200ms;
  begin(one(request));
  pass(150ms);
  EXPECT_FALSE(task_->done());
  pass(60ms);
  ASSERT_TRUE(task_->done());
  EXPECT_EQ(task_->take().failure.kind, FailureKind::Timeout);
  EXPECT_EQ(proxy_.clusters.front()->budgets(cluster::Priority::Default).requests.taken(), 0u);
}

TEST_F(AsyncCallTest, ALongAnswerIsRefused) {
  origin_.answer(Reply{200, {}, std::string(1000, 'x')});
  CallRequest request = to("origin");
  request.max_response_body = 999;
  const CallResult result = call(request);
  EXPECT_EQ(result.failure.kind, FailureKind::LimitExceeded);
  EXPECT_EQ(result.status, 0);
  request.max_response_body = 1000;
  EXPECT_EQ(call(request).body.size(), 1000u);
}

TEST_F(AsyncCallTest, AnOriginThatBreaksOffIsAFailure) {
  Reply gone;
  gone.fate = Reply::Fate::HangUp;
  origin_.answer(gone);
  EXPECT_EQ(call(to("origin")).failure.kind, FailureKind::ConnectionClosed);
  Reply cut{200, {}, "0123456789"};
  cut.fate = Reply::Fate::CutShort;
  origin_.answer(cut);
  const CallResult result = call(to("origin"));
  EXPECT_EQ(result.failure.kind, FailureKind::ConnectionClosed);
  EXPECT_EQ(result.body, "");
}

TEST_F(AsyncCallTest, SeveralRunAtOnce) {
  Reply late{200, {}, "x"};
  late.delay = 100ms;
  origin_.answer(late);
  const auto three = [this]() -> Task<CallResult> {
    Pending<CallResult> a = callThrough(services_, to("origin", "/a"));
    Pending<CallResult> b = callThrough(services_, to("origin", "/b"));
    Pending<CallResult> c = callThrough(services_, to("origin", "/c"));
    CallResult all = co_await a;
    all.body += (co_await b).body;
    all.body += (co_await c).body;
    co_return all;
  };
  begin(three());
  EXPECT_EQ(origin_.seen().size(), 3u) << "all were sent before the first was answered";
  pass(110ms);
  ASSERT_TRUE(task_->done());
  EXPECT_EQ(task_->take().body, "xxx");
}

TEST_F(AsyncCallTest, DestroyingTheTaskWithdrawsTheCall) {
  Reply late{200, {}, "x"};
  late.delay = 100ms;
  origin_.answer(late);
  begin(one(to("origin")));
  EXPECT_EQ(proxy_.clusters.front()->budgets(cluster::Priority::Default).requests.taken(), 1u);
  {
    net::Loop::Turn turn(loop_);
    task_.reset();
  }
  EXPECT_EQ(proxy_.clusters.front()->budgets(cluster::Priority::Default).requests.taken(), 0u);
  pass(200ms);
  EXPECT_EQ(origin_.connections(), 0u) << "an unfinished exchange costs its connection";
}

TEST_F(AsyncCallTest, SleepsAsLongAsAsked) {
  const auto nap = [this]() -> Task<CallResult> {
    co_await sleepOn(loop_, 100ms);
    co_return CallResult{};
  };
  begin(nap());
  pass(90ms);
  EXPECT_FALSE(task_->done());
  pass(20ms);
  EXPECT_TRUE(task_->done());
}

TEST_F(AsyncCallTest, WhatWouldFrameAnotherRequestIsRefusedOrLeftOut) {
  for (const char* path : {"/a b", "/a\r\nx: y", ""}) {
    EXPECT_EQ(call(to("origin", path)).failure.kind, FailureKind::ProtocolError) << path;
  }
  CallRequest request = to("origin");
  request.fields = {{"x-a", "1\r\nx-b: 2"}};
  EXPECT_EQ(call(request).failure.kind, FailureKind::ProtocolError);
  request.fields = {{"x a", "1"}};
  EXPECT_EQ(call(request).failure.kind, FailureKind::ProtocolError);
  EXPECT_TRUE(origin_.seen().empty());
  request.fields = {{"content-length", "5"},    {"transfer-encoding", "chunked"},
                    {"connection", "x-hop"},    {"x-hop", "1"},
                    {"expect", "100-continue"}, {"x-a", "1"}};
  EXPECT_EQ(call(request).status, 200);
  EXPECT_EQ(origin_.seen().at(0).text(), "GET /\nhost: origin\nx-a: 1\n\n");
}

TEST_F(AsyncCallTest, WithoutAStreamThereAreNoRoutes) {
  EXPECT_EQ(call(to("")).failure.kind, FailureKind::ConnectFailed);
}

constexpr char kRoutes[] = R"(
- match: {prefix: /users/}
  route: {cluster: origin, prefix_rewrite: /v2/, host_rewrite_literal: users.test, timeout: 0.3s}
  request_headers_to_add:
  - header: {key: x-client, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
  - header: {key: x-team, value: "%METADATA(ROUTE:test:team)%"}
  metadata: {filter_metadata: {test: {team: users}}}
  response_headers_to_add:
  - header: {key: x-route, value: users}
- match: {prefix: /auto/}
  route: {cluster: origin, auto_host_rewrite: true}
- match: {path: /again}
  route:
    cluster: origin
    retry_policy: {retry_on: 5xx, num_retries: 2, per_try_timeout: 0.2s}
- match: {path: /gone}
  redirect: {path_redirect: /here}
- match: {path: /fixed}
  direct_response: {status: 203, body: {inline_string: as it is}}
- match: {path: /header}
  route: {cluster_header: x-to}
)";

// Calls of a stream whose listener has these routes.
class RoutedCallTest : public AsyncCallTest {
 protected:
  RoutedCallTest()
      : AsyncCallTest(test::noFilter().withRoutes(kRoutes).withHcm("normalize_path: true")) {
    client_head_.authority = "client.test";
    info_.request = &client_head_;
    info_.remote.ip = info_.remote.address = "192.0.2.7";
  }
  Task<CallResult> routed(CallRequest request) {
    co_return co_await callThrough(services_, std::move(request), {proxy_.plan.get(), &info_});
  }
  CallResult get(std::string path, std::vector<std::pair<std::string, std::string>> fields = {}) {
    CallRequest request = to("", std::move(path));
    request.fields = std::move(fields);
    begin(routed(std::move(request)));
    if (!task_->done()) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return task_->take();
  }

  Arena arena_{services_.chunks};
  RequestHead client_head_{arena_};
  StreamInfo info_;
};

TEST_F(RoutedCallTest, GetsWhatTheRouteDoesToARequest) {
  const CallResult result = get("/users/7");
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.field("x-route"), "users");
  const test::Seen& seen = origin_.seen().at(0);
  EXPECT_TRUE(seen.head.starts_with("GET /v2/7\nhost: users.test\n")) << seen.head;
  EXPECT_EQ(seen.field("x-client"), "192.0.2.7");
  EXPECT_EQ(seen.field("x-team"), "users");
  EXPECT_EQ(seen.field("x-envoy-original-path"), "/users/7");
  EXPECT_EQ(seen.field("x-envoy-expected-rq-timeout-ms"), "300");
  EXPECT_EQ(proxy_.stats.value("cluster.origin.upstream_rq_200"), 1u);
}

TEST_F(RoutedCallTest, TheAuthorityIsTheStreamsUnlessTheEndpointHasAName) {
  EXPECT_EQ(get("/header", {{"x-to", "origin"}}).status, 200);
  EXPECT_EQ(origin_.seen().at(0).field("host"), "client.test");
}

TEST_F(RoutedCallTest, ThePathIsNormalisedBeforeItIsMatched) {
  EXPECT_EQ(get("/gone/../users/./7").field("x-route"), "users");
  EXPECT_EQ(get("/users/%00").failure.kind, FailureKind::ProtocolError);
}

TEST_F(RoutedCallTest, RedirectsAndDirectResponsesAreResults) {
  const CallResult redirect = get("/gone");
  EXPECT_EQ(redirect.status, 301);
  EXPECT_EQ(redirect.field("location"), "http://client.test/here");
  const CallResult fixed = get("/fixed");
  EXPECT_EQ(fixed.status, 203);
  EXPECT_EQ(fixed.body, "as it is");
  EXPECT_TRUE(origin_.seen().empty());
}

TEST_F(RoutedCallTest, NoRouteAndNoClusterAreFailures) {
  EXPECT_EQ(get("/elsewhere").failure.detail, "no route");
  EXPECT_EQ(get("/header", {{"x-to", "nowhere"}}).failure.detail, "no such cluster");
}

TEST_F(RoutedCallTest, ARoutesRetriesAreMade) {
  int requests = 0;
  origin_.answer([&requests](const test::Seen&) {
    Reply never;
    never.fate = Reply::Fate::Never;
    ++requests;
    return requests == 1 ? Reply{503} : requests == 2 ? never : Reply{200, {}, "good"};
  });
  begin(routed(to("", "/again")));
  pass(30ms);
  EXPECT_EQ(requests, 2) << "after a pause";
  EXPECT_FALSE(task_->done());
  pass(200ms);
  pass(80ms);
  ASSERT_TRUE(task_->done());
  const CallResult result = task_->take();
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body, "good");
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(origin_.seen().at(0).field("x-envoy-expected-rq-timeout-ms"), "200");
}

TEST_F(RoutedCallTest, ACallMayAskForRetries) {
  int requests = 0;
  origin_.answer([&requests](const test::Seen&) {
    ++requests;
    return Reply{503};
  });
  CallRequest request = to("", "/users/7");
  request.fields = {{"x-envoy-retry-on", "5xx"}, {"x-envoy-max-retries", "3"}, {"x-a", "1"}};
  begin(routed(request));
  for (int i = 0; i < 20 && !task_->done(); ++i) pass(10ms);
  ASSERT_TRUE(task_->done());
  EXPECT_EQ(task_->take().status, 503);
  EXPECT_EQ(requests, 4);
  EXPECT_EQ(origin_.seen().at(0).field("x-envoy-retry-on"), "");
  EXPECT_EQ(origin_.seen().at(0).field("x-a"), "1");
}

TEST_F(RoutedCallTest, ItsOwnTimeEndsTheAttempts) {
  Reply never;
  never.fate = Reply::Fate::Never;
  origin_.answer(never);
  CallRequest request = to("", "/again");
  request.timeout = 300ms;
  begin(routed(request));
  for (int i = 0; i < 28; ++i) pass(10ms);
  EXPECT_FALSE(task_->done());
  pass(30ms);
  ASSERT_TRUE(task_->done());
  EXPECT_EQ(task_->take().failure.kind, FailureKind::Timeout);
  EXPECT_EQ(origin_.seen().size(), 2u);
}

TEST_F(RoutedCallTest, TheNearerOfBothTimeoutsCounts) {
  Reply never;
  never.fate = Reply::Fate::Never;
  origin_.answer(never);
  CallRequest request = to("", "/users/7");
  for (const auto& [own, passes] : {std::pair{1000ms, 300ms}, {100ms, 100ms}, {0ms, 300ms}}) {
    request.timeout = own;
    begin(routed(request));
    pass(passes - 20ms);
    EXPECT_FALSE(task_->done()) << own.count();
    pass(40ms);
    ASSERT_TRUE(task_->done()) << own.count();
    EXPECT_EQ(task_->take().failure.kind, FailureKind::Timeout);
  }
}

}  // namespace
}  // namespace weir::stream
