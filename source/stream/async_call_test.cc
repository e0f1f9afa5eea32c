// Calls through real pools to the harness's scripted origin.
#include "source/stream/async_call.h"

#include "test/harness/config.h"
#include "test/harness/origin.h"
#include "weir/task.h"

#include <gtest/gtest.h>

#include <optional>

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using test::Reply;

struct StillClock final : net::Clock {
  SteadyTime at{1000h};
  SteadyTime now() override { return at; }
};

class AsyncCallTest : public testing::Test {
 protected:
  AsyncCallTest() {
    auto endpoint = std::make_shared<cluster::Endpoint>();
    endpoint->address = *net::Address::unixPath(origin_.address());
    endpoint->text = "origin";
    auto set = std::make_shared<cluster::EndpointSet>();
    set->all.push_back(std::move(endpoint));
    proxy_.clusters->front()->publish(std::move(set));
    clusters_.adopt(proxy_.clusters);
  }
  ~AsyncCallTest() override {
    task_.reset();
    net::Loop::Turn turn(loop_);
    clusters_.clear();
  }

  static test::Config config() {
    test::Config config = test::noFilter();
    return config.cluster("empty");
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

  StillClock clock_;
  net::Loop loop_{&clock_};
  uint64_t progress_ = 0;
  test::Origin origin_{loop_, progress_};
  test::Proxy proxy_{config()};
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
  EXPECT_EQ(proxy_.clusters->front()->requests.taken(), 0u);
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
  EXPECT_EQ(proxy_.clusters->front()->requests.taken(), 1u);
  {
    net::Loop::Turn turn(loop_);
    task_.reset();
  }
  EXPECT_EQ(proxy_.clusters->front()->requests.taken(), 0u);
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

}  // namespace
}  // namespace weir::stream
