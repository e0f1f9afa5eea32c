// Several attempts of one request, in time that stands still.
#include <gtest/gtest.h>

#include "test/harness/exchange.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;
using test::Seen;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello";
constexpr char kChunked[] =
    "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 7\r\n\r\n";

test::Config retrying(const std::string& policy, const std::string& route = "",
                      const std::string& host = "") {
  test::Config config = test::noFilter();
  config.withRoutes("- match: {prefix: /}\n  route: {cluster: origin, retry_policy: {" + policy +
                    "}, " + route + "}\n" + host);
  return config;
}

// Answers the first requests badly, the next one well.
test::Origin::Script failingTimes(int times, Reply bad) {
  return [times, bad](const Seen&) mutable {
    return times-- > 0 ? bad : Reply{200, {{"x-good", "1"}}, "good"};
  };
}

Reply fate(Reply::Fate how) {
  Reply reply{200, {}, "cut body"};
  reply.fate = how;
  return reply;
}

TEST(Tries, aBadAnswerIsReplacedByAGoodOne) {
  Exchange x{retrying("retry_on: 5xx, num_retries: 2")};
  x.origin("origin", failingTimes(2, {503, {{"x-bad", "1"}}, "bad"}));
  x.request(kGet);
  EXPECT_FALSE(x.finished()) << "a pause comes first";
  x.finish();
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.body(), "good");
  EXPECT_EQ(x.field("x-bad"), "");
  EXPECT_EQ(x.originRequests(), 3u);
  EXPECT_EQ(x.details(), "via_upstream");
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_retry"), 2u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_retry_success"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.retry.upstream_rq_503"), 2u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_completed"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_total"), 3u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_active"), 0u);
  EXPECT_FALSE(x.has(ResponseFlag::UpstreamRetryLimitExceeded));
}

TEST(Tries, theLastBadAnswerIsPassedOn) {
  Exchange x{retrying("retry_on: 5xx")};
  x.origin({503, {}, "bad"});
  x.request(kGet);
  x.finish();
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.body(), "bad");
  EXPECT_EQ(x.originRequests(), 2u);
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamRetryLimitExceeded));
  EXPECT_EQ(x.details(), "via_upstream");
}

TEST(Tries, otherAnswersAreNotTouched) {
  Exchange x{retrying("retry_on: 5xx")};
  x.origin({404, {}, "none"});
  x.request(kGet);
  EXPECT_TRUE(x.finished());
  EXPECT_EQ(x.status(), 404);
  EXPECT_EQ(x.originRequests(), 1u);
}

TEST(Tries, aResetIsRetriedAndThenTold) {
  Exchange x{retrying("retry_on: reset, num_retries: 2")};
  x.origin(fate(Reply::Fate::HangUp));
  x.request(kPost);
  x.finish();
  EXPECT_EQ(x.originRequests(), 3u);
  EXPECT_EQ(x.status(), 503);
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamConnectionTermination));
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamRetryLimitExceeded));
}

TEST(Tries, whatHasBegunToArriveIsNotRetried) {
  Exchange x{retrying("retry_on: \"5xx,reset\", num_retries: 2")};
  x.origin(fate(Reply::Fate::CutShort));
  x.request(kGet);
  x.finish();
  EXPECT_EQ(x.originRequests(), 1u);
  EXPECT_TRUE(x.response().aborted);
}

TEST(Tries, theBodyIsSentAgainWhole) {
  Exchange x{retrying("retry_on: 5xx, num_retries: 2")};
  x.origin("origin", failingTimes(2, {500}));
  x.request(kPost);
  x.finish();
  EXPECT_EQ(x.status(), 200);
  for (const Seen& seen : x.originOf("origin").seen()) EXPECT_EQ(seen.body, "hello");
  x.originOf("origin").forget();
  x.origin("origin", failingTimes(1, {500}));
  x.request(kChunked, {1, 4});
  x.finish();
  EXPECT_EQ(x.originRequests(), 2u);
  for (const Seen& seen : x.originOf("origin").seen()) {
    EXPECT_EQ(seen.body, "abcde");
    EXPECT_EQ(seen.trailers, (test::FieldList{{"x-sum", "7"}}));
  }
}

TEST(Tries, howeverTheBodyArrives) {
  Exchange x{retrying("retry_on: 5xx, num_retries: 1")};
  int requests = 0;
  x.origin("origin",
           [&requests](const Seen&) { return ++requests % 2 == 1 ? Reply{503} : Reply{200}; });
  x.everySplit(kPost);
}

TEST(Tries, aBodyBeyondTheLimitHasOneAttempt) {
  Exchange x{retrying("retry_on: 5xx", "", "  request_body_buffer_limit: 4\n")};
  x.origin({503, {}, "bad"});
  x.request(kPost);
  x.finish();
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.originRequests(), 1u);
  EXPECT_EQ(x.originSaw().body, "hello");
  EXPECT_EQ(x.stat("cluster.origin.retry_or_shadow_abandoned"), 1u);
  EXPECT_FALSE(x.has(ResponseFlag::UpstreamRetryLimitExceeded));
}

TEST(Tries, eachAttemptHasItsOwnTime) {
  Exchange x{retrying("retry_on: 5xx, num_retries: 1, per_try_timeout: 0.1s", "timeout: 1s")};
  x.origin(fate(Reply::Fate::Never));
  x.request(kGet);
  x.advance(90ms);
  EXPECT_EQ(x.originRequests(), 1u);
  x.advance(60ms);
  EXPECT_EQ(x.originRequests(), 2u);
  EXPECT_EQ(x.upstreamHeader("x-envoy-expected-rq-timeout-ms"), "100");
  x.advance(120ms);
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.details(), "upstream_per_try_timeout");
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamRequestTimeout));
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamRetryLimitExceeded));
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_per_try_timeout"), 2u);
  EXPECT_EQ(x.stat("cluster.origin.upstream_rq_tx_reset"), 2u);
}

TEST(Tries, aLimitToEachNeedsNoRetries) {
  Exchange x{retrying("per_try_timeout: 0.1s")};
  x.origin(fate(Reply::Fate::Never));
  x.request(kGet);
  x.advance(120ms);
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.details(), "upstream_per_try_timeout");
  EXPECT_EQ(x.originRequests(), 1u);
}

TEST(Tries, thePauseIsWithinItsBounds) {
  Exchange x{
      retrying("retry_on: 5xx, num_retries: 1, "
               "retry_back_off: {base_interval: 2s, max_interval: 2s}")};
  x.origin("origin", failingTimes(1, {503}));
  x.request(kGet);
  const SteadyTime begin = x.now();
  x.finish();
  EXPECT_EQ(x.status(), 200);
  EXPECT_LE(x.now() - begin, 2010ms);
}

TEST(Tries, theResponseMaySayHowLongToWait) {
  Exchange x{
      retrying("retry_on: 5xx, rate_limited_retry_back_off: "
               "{reset_headers: [{name: Retry-After, format: SECONDS}]}",
               "timeout: 0s")};
  x.origin("origin", failingTimes(1, {503, {{"retry-after", "10"}}}));
  x.request(kGet);
  x.advance(9990ms);
  EXPECT_EQ(x.originRequests(), 1u);
  x.advance(5020ms);
  EXPECT_EQ(x.originRequests(), 2u);
  EXPECT_EQ(x.status(), 200);
}

TEST(Tries, theWholeTimeEndsAPause) {
  Exchange x{
      retrying("retry_on: 5xx, rate_limited_retry_back_off: "
               "{reset_headers: [{name: retry-after, format: SECONDS}]}",
               "timeout: 1s")};
  x.origin({503, {{"retry-after", "10"}}});
  x.request(kGet);
  x.advance(1010ms);
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.details(), "response_timeout");
  EXPECT_EQ(x.originRequests(), 1u);
}

TEST(Tries, attemptsAreCountedInTheHeads) {
  test::Config config = retrying("retry_on: 5xx, num_retries: 2, per_try_timeout: 0.1s");
  config.virtual_host_fields =
      "include_request_attempt_count: true\ninclude_attempt_count_in_response: true\n"
      "include_is_timeout_retry_header: true\n";
  Exchange x{config};
  int requests = 0;
  x.origin("origin", [&requests](const Seen&) {
    ++requests;
    return requests == 1 ? Reply{503} : requests == 2 ? fate(Reply::Fate::Never) : Reply{200};
  });
  x.request(kGet);
  x.finish();
  const auto& seen = x.originOf("origin").seen();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].field("x-envoy-attempt-count"), "1");
  EXPECT_EQ(seen[0].field("x-envoy-is-timeout-retry"), "");
  EXPECT_EQ(seen[1].field("x-envoy-attempt-count"), "2");
  EXPECT_EQ(seen[1].field("x-envoy-is-timeout-retry"), "false");
  EXPECT_EQ(seen[2].field("x-envoy-attempt-count"), "3");
  EXPECT_EQ(seen[2].field("x-envoy-is-timeout-retry"), "true");
  EXPECT_EQ(x.field("x-envoy-attempt-count"), "3");
}

TEST(Tries, cancelledAnywhereNothingIsLeft) {
  Exchange x{retrying("retry_on: \"5xx,reset\", num_retries: 3, per_try_timeout: 0.1s")};
  int requests = 0;
  x.origin("origin", [&requests](const Seen&) {
    const Reply replies[] = {{503}, fate(Reply::Fate::HangUp), fate(Reply::Fate::Never), {200}};
    return replies[requests++ % 4];
  });
  EXPECT_GE(x.cancelAtEveryWait(kPost), 4u);
}

TEST(Tries, fieldsOfInternalSendersAskForRetries) {
  const std::string hcm =
      "internal_address_config: {cidr_ranges: [{address_prefix: 10.0.0.0, "
      "prefix_len: 8}]}\n";
  Exchange x{test::noFilter().withHcm(hcm)};
  const auto ask = [&x](const std::string& from) {
    x.originOf("origin").forget();
    x.request("GET / HTTP/1.1\r\nhost: a.test\r\nx-forwarded-for: " + from +
              "\r\nx-envoy-retry-on: 5xx\r\nx-envoy-max-retries: 3\r\n\r\n");
    x.finish();
    EXPECT_EQ(x.upstreamHeader("x-envoy-retry-on"), "");
    EXPECT_EQ(x.upstreamHeader("x-envoy-max-retries"), "");
    return x.originRequests();
  };
  x.origin({503});
  EXPECT_EQ(ask("10.1.2.3"), 4u);
  EXPECT_EQ(ask("192.0.2.7"), 1u);
}

}  // namespace
}  // namespace weir::stream
