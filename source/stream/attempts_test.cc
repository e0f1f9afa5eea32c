// What filters are told of attempts, and what StreamInfo says afterwards.
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/source_context.pb.h>

#include "test/harness/exchange.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

std::string& told() {
  static std::string text;
  return text;
}

std::string_view nameOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::None:
      return "answered";
    case FailureKind::ConnectionClosed:
      return "closed";
    case FailureKind::Timeout:
      return "timeout";
    case FailureKind::Cancelled:
      return "cancelled";
    default:
      return "other";
  }
}

struct Plan {
  static Result<Plan> from(const google::protobuf::Empty&, PlanBuild&) { return Plan{}; }
};

class Listener final : public Filter {
 public:
  explicit Listener(const Plan&) {}
  void onAttempt(const Attempt& attempt, Stream& stream) override {
    told() += std::string(attempt.endpoint) + " " + std::string(nameOf(attempt.failure.kind)) +
              " " + std::to_string(attempt.status) + " " + std::to_string(attempt.duration / 1ms) +
              "ms" + (attempt.will_retry ? " again" : "") + " of " +
              std::to_string(stream.info().attempts) + "\n";
  }
  void onDone(const StreamInfo& info, Stream&) override {
    told() += "done " + std::string(nameOf(info.upstream_failure.kind)) + "\n";
  }
};

struct SlowPlan {
  static Result<SlowPlan> from(const google::protobuf::SourceContext&, PlanBuild&) {
    return SlowPlan{};
  }
};

class Slow final : public Filter {
 public:
  explicit Slow(const SlowPlan&) {}
  Verdict onResponse(ResponseHead&, Stream& stream) override { return Verdict::wait(nap(stream)); }

 private:
  static Task<Verdict> nap(Stream& stream) {
    co_await stream.sleep(700ms);
    co_return Verdict::pass();
  }
};

void install(FilterRegistry& registry) {
  registry.add<google::protobuf::Empty, Plan, Listener>("test.attempts");
  registry.add<google::protobuf::SourceContext, SlowPlan, Slow>("test.slow");
}

class AttemptsTest : public testing::Test {
 protected:
  explicit AttemptsTest(const std::string& action = "{cluster: origin}")
      : x_(test::filter("\"@type\": type.googleapis.com/google.protobuf.Empty")
               .knowing(install)
               .withRoutes("- match: {prefix: /}\n  route: " + action)) {
    told().clear();
  }
  std::string get(const Reply& reply) {
    x_.origin(reply);
    x_.request(kGet);
    x_.finish();
    return std::exchange(told(), {});
  }
  static Reply with(Reply::Fate fate, std::chrono::milliseconds delay = 0ms) {
    Reply reply{200, {}, "0123456789"};
    reply.fate = fate;
    reply.delay = delay;
    return reply;
  }

  Exchange x_;
};

TEST_F(AttemptsTest, AResponseOfAnyStatusIsAnAnswer) {
  EXPECT_EQ(get(with(Reply::Fate::Whole, 50ms)), "origin answered 200 50ms of 1\ndone answered\n");
  EXPECT_EQ(get({503}), "origin answered 503 0ms of 1\ndone answered\n");
}

TEST_F(AttemptsTest, AnAttemptThatIsMadeAgainSaysSo) {
  EXPECT_EQ(get({200}), "origin answered 200 0ms of 1\ndone answered\n");
  EXPECT_EQ(get(with(Reply::Fate::HangUp)),
            "origin closed 0 0ms again of 1\norigin closed 0 0ms of 2\ndone closed\n");
  // Nobody asked for that: to the client it was one attempt.
  EXPECT_EQ(x_.body(),
            "upstream connect error or disconnect/reset before headers. reset reason: connection "
            "termination");
}

class RetriedAttemptsTest : public AttemptsTest {
 protected:
  RetriedAttemptsTest()
      : AttemptsTest(
            "{cluster: origin, timeout: 1s, retry_policy: {retry_on: \"5xx,reset\", "
            "num_retries: 2, per_try_timeout: 0.4s, per_try_idle_timeout: 0.3s, "
            "retry_back_off: {base_interval: 0.001s}}}") {}
  // One after the other; the last is given again and again.
  std::string get(const std::vector<Reply>& replies) {
    size_t next = 0;
    x_.origin("origin",
              [&](const test::Seen&) { return replies[std::min(next++, replies.size() - 1)]; });
    x_.request(kGet);
    x_.finish();
    return std::exchange(told(), {});
  }
};

TEST_F(RetriedAttemptsTest, EachIsToldOnce) {
  EXPECT_EQ(get({{503}, {500}, {200}}),
            "origin answered 503 0ms again of 1\norigin answered 500 0ms again of 2\n"
            "origin answered 200 0ms of 3\ndone answered\n");
  EXPECT_EQ(get({with(Reply::Fate::HangUp), {503}}),
            "origin closed 0 0ms again of 1\norigin answered 503 0ms again of 2\n"
            "origin answered 503 0ms again of 3\norigin answered 503 0ms of 4\ndone answered\n");
}

TEST_F(RetriedAttemptsTest, TheTimeOfEachAndOfAll) {
  const std::string told = get({with(Reply::Fate::Never)});
  EXPECT_EQ(told,
            "origin timeout 0 300ms again of 1\norigin timeout 0 300ms again of 2\n"
            "origin timeout 0 300ms of 3\ndone timeout\n");
}

TEST_F(RetriedAttemptsTest, ARetriedOneThatBreaksOffIsToldTwice) {
  EXPECT_EQ(get({{503}, with(Reply::Fate::CutShort)}),
            "origin answered 503 0ms again of 1\norigin answered 200 0ms of 2\n"
            "origin closed 200 0ms of 2\ndone closed\n");
}

TEST_F(RetriedAttemptsTest, AClientThatLeavesInAPauseEndsNothingThatWasToldOf) {
  x_.origin({503});
  x_.request(kGet);
  x_.vanish();
  EXPECT_EQ(told(), "origin answered 503 0ms again of 1\ndone answered\n");
}

TEST(AttemptTime, EndsWithTheResponseNotWithTheFilters) {
  Exchange x{test::filter("\"@type\": type.googleapis.com/google.protobuf.SourceContext")
                 .knowing(install)
                 .withRoutes("- match: {prefix: /}\n  route: {cluster: origin, timeout: 0s, "
                             "retry_policy: {per_try_idle_timeout: 0.3s}}")};
  for (const char* body : {"", "0123456789"}) {
    x.origin({200, {}, body});
    x.request(kGet);
    x.finish();
    EXPECT_EQ(x.status(), 200);
    EXPECT_EQ(x.body(), body);
  }
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_per_try_idle_timeout"), 0u);
}

TEST(AttemptTime, ATimeoutAfterTheResponseCountsForNoEndpoint) {
  Exchange x{test::filter("\"@type\": type.googleapis.com/google.protobuf.SourceContext")
                 .knowing(install)
                 .withRoutes("- match: {prefix: /}\n  route: {cluster: origin, timeout: 0.5s}")};
  x.request(kGet);
  x.reach("origin", *net::Address::unixPath("@weir-nobody-there"));  // the former endpoint is gone
  x.finish();
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_timeout"), 1u);
}

TEST_F(AttemptsTest, ABrokenOffResponseIsToldTwice) {
  EXPECT_EQ(get(with(Reply::Fate::CutShort)),
            "origin answered 200 0ms of 1\norigin closed 200 0ms of 1\ndone closed\n");
}

TEST_F(AttemptsTest, ATimeoutIsAnOutcome) {
  EXPECT_EQ(get(with(Reply::Fate::Never)), "origin timeout 0 15000ms of 1\ndone timeout\n");
}

TEST_F(AttemptsTest, SoIsAClientThatLeaves) {
  x_.origin(with(Reply::Fate::Never));
  x_.request(kGet);
  x_.advance(70ms);
  EXPECT_EQ(told(), "");
  x_.vanish();
  EXPECT_EQ(told(), "origin cancelled 0 70ms of 1\ndone cancelled\n");
}

TEST_F(AttemptsTest, ARequestThatReachedNoEndpointHasNone) {
  x_.request("GET / HTTP/1.1\r\nhost: a.test\r\nconnection: host\r\n\r\n");
  EXPECT_EQ(x_.status(), 400);
  EXPECT_EQ(told(), "");
}

}  // namespace
}  // namespace weir::stream
