// What filters are told of attempts, and what StreamInfo says afterwards.
#include <google/protobuf/empty.pb.h>

#include "test/harness/exchange.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"

#include <gtest/gtest.h>

#include <string>

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

void install(FilterRegistry& registry) {
  registry.add<google::protobuf::Empty, Plan, Listener>("test.attempts");
}

class AttemptsTest : public testing::Test {
 protected:
  AttemptsTest() { told().clear(); }
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

  Exchange x_{
      test::filter("\"@type\": type.googleapis.com/google.protobuf.Empty").knowing(install)};
};

TEST_F(AttemptsTest, AResponseOfAnyStatusIsAnAnswer) {
  EXPECT_EQ(get(with(Reply::Fate::Whole, 50ms)), "origin answered 200 50ms of 1\ndone answered\n");
  EXPECT_EQ(get({503}), "origin answered 503 0ms of 1\ndone answered\n");
}

TEST_F(AttemptsTest, AnAttemptThatIsMadeAgainSaysSo) {
  EXPECT_EQ(get({200}), "origin answered 200 0ms of 1\ndone answered\n");
  EXPECT_EQ(get(with(Reply::Fate::HangUp)),
            "origin closed 0 0ms again of 1\norigin closed 0 0ms of 2\ndone closed\n");
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
