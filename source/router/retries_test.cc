#include "source/router/retries.h"

#include <gtest/gtest.h>

#include "source/telemetry/stat_store.h"
#include "weir/arena.h"

namespace weir::router {
namespace {

using namespace std::chrono_literals;
using Answer = Retries::Answer;

class RetriesTest : public testing::Test {
 protected:
  RetriesTest() { policy_.retries = 3; }

  Retries& make(uint32_t on) {
    policy_.on = on;
    return retries_.emplace(policy_, steering_, request_, cluster_, cluster::Priority::Default);
  }
  Answer head(uint16_t status, std::vector<std::pair<const char*, const char*>> fields = {}) {
    ResponseHead response(arena_);
    response.status = status;
    for (const auto& [name, value] : fields) response.fields.add(name, value);
    return retries_->afterHead(response, WallTime(1'000'000s));
  }
  Answer failure(FailureKind kind, bool began = true) {
    return retries_->afterFailure({Side::Upstream, kind, weir::Retry::Never, ""}, began);
  }
  uint64_t stat(const std::string& name) { return store_.value("cluster.c." + name).value_or(0); }
  uint32_t running() { return cluster_.budgets(cluster::Priority::Default).retries.taken(); }

  static cluster::ClusterSettings settings() {
    cluster::ClusterSettings made;
    made.name = made.stat_name = "c";
    return made;
  }

  ChunkPool pool_;
  Arena arena_{pool_};
  StatStore store_;
  cluster::Cluster cluster_{0, settings(), StatScope(store_).scope("cluster").scope("c")};
  RequestHead request_{arena_};
  RetryPolicy policy_;
  Steering steering_;
  std::optional<Retries> retries_;
};

struct HeadRow {
  uint32_t on;
  uint16_t status;
  bool retried;
};

TEST_F(RetriesTest, answersByStatus) {
  policy_.status_codes = {404, 429};
  const HeadRow rows[] = {
      {kRetry5xx, 500, true},
      {kRetry5xx, 599, true},
      {kRetry5xx, 499, false},
      {kRetry5xx, 600, false},
      {kRetryGatewayError, 501, false},
      {kRetryGatewayError, 502, true},
      {kRetryGatewayError, 504, true},
      {kRetryGatewayError, 505, false},
      {kRetryRetriable4xx, 409, true},
      {kRetryRetriable4xx, 404, false},
      {kRetryRetriableStatusCodes, 404, true},
      {kRetryRetriableStatusCodes, 503, false},
      {kRetry5xx, 404, false},
      {kRetryReset | kRetryConnectFailure, 503, false},
  };
  for (const HeadRow& row : rows) {
    make(row.on);
    EXPECT_EQ(head(row.status), row.retried ? Answer::Yes : Answer::No)
        << row.on << " " << row.status;
  }
}

TEST_F(RetriesTest, answersByField) {
  envoy::config::route::v3::HeaderMatcher matcher;
  matcher.set_name("x-again");
  matcher.mutable_string_match()->set_exact("yes");
  policy_.response_headers.push_back(*HeaderMatcher::from(matcher));
  steering_.header_names = {"x-mine"};
  make(kRetryRetriableHeaders);
  EXPECT_EQ(head(200, {{"x-again", "no"}}), Answer::No);
  EXPECT_EQ(head(200, {{"x-again", "yes"}}), Answer::Yes);
  EXPECT_EQ(head(200, {{"x-mine", ""}}), Answer::Yes);
}

TEST_F(RetriesTest, aRateLimitedAnswerIsRetriedOnlyWhereThatIsAsked) {
  make(kRetry5xx);
  EXPECT_EQ(head(503, {{"x-envoy-ratelimited", "true"}}), Answer::No);
  make(kRetryEnvoyRateLimited);
  EXPECT_EQ(head(429, {{"x-envoy-ratelimited", "true"}}), Answer::Yes);
  EXPECT_EQ(head(429), Answer::No);
}

TEST_F(RetriesTest, answersByGrpcStatus) {
  make(kRetryGrpcUnavailable | kRetryGrpcCancelled);
  EXPECT_EQ(head(200, {{"grpc-status", "14"}}), Answer::Yes);
  EXPECT_EQ(head(200, {{"grpc-status", "1"}}), Answer::Yes);
  EXPECT_EQ(head(200, {{"grpc-status", "13"}}), Answer::No);
  EXPECT_EQ(head(200), Answer::No);
}

TEST_F(RetriesTest, failures) {
  const auto yes = [this](uint32_t on, FailureKind kind, bool began = true) {
    make(on);
    return failure(kind, began) == Answer::Yes;
  };
  for (const uint32_t on : {kRetry5xx, kRetryGatewayError, kRetryReset}) {
    EXPECT_TRUE(yes(on, FailureKind::ConnectionReset));
    EXPECT_TRUE(yes(on, FailureKind::ConnectFailed, false));
    EXPECT_TRUE(yes(on, FailureKind::Timeout));
    EXPECT_FALSE(yes(on, FailureKind::Refused, false)) << "a circuit breaker of ours";
  }
  EXPECT_TRUE(yes(kRetryConnectFailure, FailureKind::ConnectFailed, false));
  EXPECT_TRUE(yes(kRetryConnectFailure, FailureKind::ConnectTimeout, false));
  EXPECT_FALSE(yes(kRetryConnectFailure, FailureKind::ConnectionReset));
  EXPECT_TRUE(yes(kRetryResetBeforeRequest, FailureKind::ConnectFailed, false));
  EXPECT_FALSE(yes(kRetryResetBeforeRequest, FailureKind::ConnectionReset, true));
  EXPECT_FALSE(yes(kRetryRetriable4xx, FailureKind::ConnectionReset));
}

TEST_F(RetriesTest, runOut) {
  policy_.retries = 2;
  make(kRetry5xx);
  EXPECT_EQ(head(503), Answer::Yes);
  EXPECT_EQ(failure(FailureKind::ConnectionClosed), Answer::Yes);
  EXPECT_FALSE(retries_->possible());
  EXPECT_EQ(head(503), Answer::LimitExceeded);
  EXPECT_EQ(stat("upstream_rq_retry"), 2u);
  EXPECT_EQ(stat("upstream_rq_retry_limit_exceeded"), 1u);
  EXPECT_EQ(stat("upstream_rq_retry_success"), 0u);
  EXPECT_EQ(running(), 0u);
}

TEST_F(RetriesTest, aGoodAnswerAfterOneIsASuccess) {
  make(kRetry5xx);
  EXPECT_EQ(head(200), Answer::No);
  EXPECT_EQ(stat("upstream_rq_retry_success"), 0u);
  EXPECT_EQ(head(503), Answer::Yes);
  EXPECT_EQ(head(200), Answer::No);
  EXPECT_EQ(stat("upstream_rq_retry_success"), 1u);
}

TEST_F(RetriesTest, theClusterAllowsSoManyAtOneTime) {
  make(kRetry5xx);
  cluster::Budget& others = cluster_.budgets(cluster::Priority::Default).retries;
  for (int i = 0; i < 3; ++i) others.take();
  EXPECT_EQ(head(503), Answer::Overflow);
  EXPECT_EQ(stat("upstream_rq_retry_overflow"), 1u);
  others.give();
  EXPECT_EQ(head(503), Answer::Yes);
  EXPECT_EQ(running(), 3u);
  retries_.reset();
  EXPECT_EQ(running(), 2u) << "given back at the end";
}

TEST_F(RetriesTest, onlyRequestsThatMatch) {
  envoy::config::route::v3::HeaderMatcher matcher;
  matcher.set_name(":method");
  matcher.mutable_string_match()->set_exact("GET");
  policy_.request_headers.push_back(*HeaderMatcher::from(matcher));
  request_.setMethod("POST");
  make(kRetry5xx);
  EXPECT_EQ(head(503), Answer::No);
  request_.setMethod("GET");
  make(kRetry5xx);
  EXPECT_EQ(head(503), Answer::Yes);
}

TEST_F(RetriesTest, theRequestsOwnFieldsAddToThePolicy) {
  steering_.retry_on = kRetryRetriableStatusCodes;
  steering_.status_codes = {418};
  steering_.retries = 1;
  make(kRetryRetriable4xx);
  EXPECT_EQ(head(418), Answer::Yes);
  EXPECT_EQ(head(409), Answer::LimitExceeded);
}

TEST_F(RetriesTest, pausesDoubleUpToABound) {
  policy_.retries = 9;
  make(kRetry5xx);
  const uint64_t most = ~uint64_t{0};
  const auto bound = [&] {
    EXPECT_EQ(head(503), Answer::Yes);
    auto longest = 0ms;
    for (uint64_t random = most; random > most - 300; --random) {
      longest = std::max(longest, retries_->pause(random));
    }
    EXPECT_EQ(retries_->pause(0), 0ms);
    return longest;
  };
  EXPECT_EQ(bound(), 24ms);
  EXPECT_EQ(bound(), 74ms);
  EXPECT_EQ(bound(), 174ms);
  EXPECT_EQ(bound(), 249ms);
  EXPECT_EQ(bound(), 249ms);
}

TEST_F(RetriesTest, aResponseMayAskForAPause) {
  policy_.retries = 9;
  policy_.reset_headers = {{"retry-after", false}, {"x-reset", true}};
  make(kRetry5xx);
  const auto pauseAfter = [&](std::vector<std::pair<const char*, const char*>> fields) {
    EXPECT_EQ(head(503, std::move(fields)), Answer::Yes);
    return retries_->pause(0);
  };
  EXPECT_EQ(pauseAfter({{"retry-after", "4"}}), 4s);
  EXPECT_EQ(pauseAfter({{"x-reset", "1000007"}}), 7s);
  EXPECT_EQ(pauseAfter({{"retry-after", "soon"}, {"x-reset", "1000002"}}), 2s);
  EXPECT_EQ(pauseAfter({{"retry-after", "301"}}), 0s) << "further away than max_interval";
  EXPECT_EQ(pauseAfter({{"x-reset", "999999"}}), 0s) << "in the past";
  EXPECT_EQ(pauseAfter({}), 0s) << "what one response asked for does not last";
  EXPECT_EQ(stat("upstream_rq_retry_backoff_ratelimited"), 3u);
  EXPECT_EQ(stat("upstream_rq_retry_backoff_exponential"), 3u);
  EXPECT_EQ(head(503, {{"retry-after", "4"}}), Answer::Yes);
  EXPECT_EQ(retries_->pause(1999), 5999ms) << "and up to half as long again";
}

TEST(Steering, isTakenOutOfTheHead) {
  ChunkPool pool;
  Arena arena(pool);
  RequestHead head(arena);
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{
           {"x-envoy-retry-on", "5xx, reset"},
           {"x-a", "b"},
           {"x-envoy-retry-grpc-on", "unavailable"},
           {"x-envoy-max-retries", "4"},
           {"x-envoy-upstream-rq-timeout-ms", "1500"},
           {"x-envoy-upstream-rq-per-try-timeout-ms", "much"},
           {"x-envoy-retriable-status-codes", "404,x, 410"},
           {"x-envoy-retriable-header-names", "X-One,x-two"},
           {"x-envoy-original-path", "/"}}) {
    head.fields.add(name, value);
  }
  const Steering steering = Steering::take(head);
  EXPECT_EQ(steering.retry_on, kRetry5xx | kRetryReset | kRetryGrpcUnavailable);
  EXPECT_EQ(steering.retries, 4u);
  EXPECT_EQ(steering.timeout, 1500ms);
  EXPECT_EQ(steering.per_try_timeout, std::nullopt);
  EXPECT_EQ(steering.status_codes, (std::vector<uint32_t>{404, 410}));
  EXPECT_EQ(steering.header_names, (std::vector<std::string>{"x-one", "x-two"}));
  ASSERT_EQ(head.fields.size(), 2u);
  EXPECT_EQ(head.fields.begin()->name(), "x-a");
}

}  // namespace
}  // namespace weir::router
