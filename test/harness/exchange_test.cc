// The harness itself: what tests of filters rely on.
#include "test/harness/exchange.h"

#include <gtest/gtest.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

constexpr char kGet[] = "GET /a?b=c HTTP/1.1\r\nhost: a.test\r\nx-one: 1\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 5\r\n\r\nhello";
constexpr char kChunked[] =
    "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 7\r\n\r\n";

TEST(Harness, carriesARequestAndItsResponse) {
  Exchange x{noFilter()};
  x.origin({201, {{"a", "b"}}, "body"});
  x.request(kGet);
  EXPECT_TRUE(x.finished());
  EXPECT_EQ(x.status(), 201);
  EXPECT_EQ(x.field("a"), "b");
  EXPECT_EQ(x.body(), "body");
  EXPECT_EQ(x.details(), "via_upstream");
  EXPECT_TRUE(x.originSaw().head.starts_with("GET /a?b=c\nhost: a.test\n")) << x.originSaw().head;
  EXPECT_EQ(x.upstreamHeader("x-one"), "1");
  EXPECT_EQ(x.stat("http.test.downstream_rq_total"), 1u);
}

TEST(Harness, carriesBodiesAndTrailersBothWays) {
  Exchange x{noFilter()};
  Reply reply{200, {}, "answer"};
  reply.trailers = {{"x-end", "1"}};
  x.origin(reply);
  x.request(kPost);
  EXPECT_EQ(x.originSaw().body, "hello");
  EXPECT_EQ(x.body(), "answer");
  EXPECT_EQ(x.response().trailers, (FieldList{{"x-end", "1"}}));
  x.request(kChunked);
  EXPECT_EQ(x.originSaw().body, "abcde");
  EXPECT_EQ(x.originSaw().trailers, (FieldList{{"x-sum", "7"}}));
}

TEST(Harness, keepsTheOriginsConnectionBetweenRequests) {
  Exchange x{noFilter()};
  x.request(kGet);
  x.request(kGet);
  EXPECT_EQ(x.originRequests(), 2u);
  EXPECT_EQ(x.originOf("origin").connections(), 1u);
}

TEST(Harness, timePassesOnlyWhenTheTestSays) {
  Exchange x{noFilter()};
  Reply late{200};
  late.delay = 100ms;
  x.origin(late);
  x.request(kGet);
  EXPECT_FALSE(x.finished());
  x.advance(90ms);
  EXPECT_FALSE(x.finished());
  x.advance(20ms);
  EXPECT_EQ(x.status(), 200);
}

TEST(Harness, anOriginThatNeverAnswersEndsInATimeout) {
  Exchange x{noFilter()};
  Reply never;
  never.fate = Reply::Fate::Never;
  x.origin(never);
  const SteadyTime began = x.now();
  x.request(kGet);
  x.finish();
  EXPECT_EQ(x.status(), 504);
  EXPECT_TRUE(x.has(ResponseFlag::UpstreamRequestTimeout));
  EXPECT_GE(x.now() - began, 15s);
  EXPECT_LT(x.now() - began, 16s);
}

TEST(Harness, anOriginThatHangsUpIsAnError) {
  Exchange x{noFilter()};
  Reply gone;
  gone.fate = Reply::Fate::HangUp;
  x.origin(gone);
  x.request(kGet);
  EXPECT_EQ(x.status(), 503);
  Reply cut{200, {}, "0123456789"};
  cut.fate = Reply::Fate::CutShort;
  x.origin(cut);
  x.request(kGet);
  EXPECT_TRUE(x.response().aborted);
  EXPECT_EQ(x.body(), "01234");
}

TEST(Harness, splitsAndCancels) {
  Exchange x{noFilter()};
  x.origin({200, {}, "answer"});
  x.everySplit(kPost);
  x.everySplit(kChunked);
  EXPECT_GE(x.cancelAtEveryWait(kPost), 4u);
  Reply late{200, {}, "late"};
  late.delay = 50ms;
  x.origin(late);
  x.cancelAtEveryWait(kChunked);
}

TEST(Harness, saysWhyAConfigurationIsRefused) {
  const Refusal none = refusal(noFilter());
  EXPECT_EQ(none.text, "");
  const Refusal unknown = refusal("\"@type\": type.googleapis.com/no.such.Type");
  EXPECT_NE(unknown.text, "");
}

}  // namespace
}  // namespace weir::test
