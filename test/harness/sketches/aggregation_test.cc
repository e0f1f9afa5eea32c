#include "test/harness/exchange.h"
#include "test/harness/sketches/sketches.h"

#include <gtest/gtest.h>

namespace weir::sketches {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;
using test::Seen;

constexpr char kAll[] =
    "GET /all HTTP/1.1\r\nhost: a.test\r\nauthorization: me\r\naccept-encoding: gzip\r\n\r\n";

test::Config aggregation() {
  return test::filter(R"(
"@type": type.googleapis.com/weir.sketches.Aggregation
parts:
- {name: user, path: /users/7, required: true}
- {name: orders, path: "/orders?of=7"}
- {name: offers, path: /offers}
)")
      .withRoutes(R"(
- match: {prefix: /users/}
  route: {cluster: origin, prefix_rewrite: /v2/}
- match: {prefix: /orders}
  route: {cluster: orders, timeout: 0.2s}
- match: {path: /offers}
  direct_response: {status: 200, body: {inline_string: "[]"}}
)")
      .cluster("orders")
      .knowing(installAggregation);
}

Reply after(std::chrono::milliseconds delay, std::string body) {
  Reply reply{200, {}, std::move(body)};
  reply.delay = delay;
  return reply;
}

TEST(AggregationSketch, AsksAtOnceThroughTheRoutes) {
  Exchange x{aggregation()};
  x.origin(after(100ms, "{\"id\":7}"));
  x.origin("orders", after(100ms, "[1]"));
  x.request(kAll);
  EXPECT_EQ(x.originRequests("origin"), 1u);
  EXPECT_EQ(x.originRequests("orders"), 1u);
  x.advance(110ms);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("content-type"), "application/json");
  EXPECT_EQ(x.body(), R"({"user":{"id":7},"orders":[1],"offers":[]})");
  EXPECT_TRUE(x.originSaw("origin").head.starts_with("GET /v2/7\nhost: a.test\n"));
  EXPECT_EQ(x.originSaw("orders").field("authorization"), "me");
  EXPECT_EQ(x.originSaw("orders").field("accept-encoding"), "");
}

TEST(AggregationSketch, APartThatFailsIsNullOrTheEnd) {
  Exchange x{aggregation()};
  x.origin({200, {}, "{}"});
  x.origin("orders", after(10s, "too late"));
  x.request(kAll);
  x.advance(250ms);
  EXPECT_EQ(x.body(), R"({"user":{},"orders":null,"offers":[]})");
  EXPECT_EQ(x.field("x-weir-completed"), "false");
  EXPECT_EQ(x.stat("cluster.orders.upstream_rq_timeout"), 1u);
  x.origin({500});
  x.request(kAll);
  x.finish();
  EXPECT_EQ(x.status(), 502);
  EXPECT_EQ(x.details(), "aggregate_part_failed");
}

TEST(AggregationSketch, LeavesNothingBehindWhenTheClientGoes) {
  Exchange x{aggregation()};
  x.origin(after(30ms, "{}"));
  x.origin("orders", after(60ms, "[]"));
  EXPECT_GT(x.cancelAtEveryWait(kAll), 4u);
}

TEST(AggregationSketch, OtherRequestsPass) {
  Exchange x{aggregation()};
  x.request("GET /users/1 HTTP/1.1\r\nhost: a.test\r\n\r\n");
  EXPECT_EQ(x.details(), "via_upstream");
}

}  // namespace
}  // namespace weir::sketches
