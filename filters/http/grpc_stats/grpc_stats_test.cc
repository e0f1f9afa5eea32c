#include <gtest/gtest.h>

#include "filters/http/grpc_stats/method_stats.h"
#include "test/harness/exchange.h"

namespace weir::filters::grpc_stats {
namespace {

using test::Exchange;
using test::filter;
using test::Reply;

test::Config counting(std::string_view fields) {
  return filter(
      R"("@type": type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig
)" + std::string(fields));
}

std::string message(size_t size) {
  std::string made(5 + size, '\0');
  made[4] = static_cast<char>(size);
  return made;
}

std::string call(std::string_view path, std::string_view body = message(3),
                 std::string_view type = "application/grpc") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nhost: a.test\r\ncontent-type: " + std::string(type) +
         "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Reply answer(std::string_view status, size_t messages = 1) {
  Reply reply{200, {{"content-type", "application/grpc"}}, ""};
  for (size_t i = 0; i < messages; ++i) reply.body += message(i);
  reply.trailers = {{"grpc-status", std::string(status)}};
  return reply;
}

TEST(GrpcStats, EveryMethodCountsForItself) {
  Exchange x{counting("stats_for_all_methods: true")};
  x.origin(answer("0", 3));
  x.request(call("/a.B/C?x=1", message(0) + message(70)));
  x.origin(answer("5"));
  x.request(call("/a.B/C"));
  x.request(call("/a.B/D"));
  const std::string method = "cluster.origin.grpc.a.B.C.";
  EXPECT_EQ(x.stat(method + "request_message_count"), 3u);
  EXPECT_EQ(x.stat(method + "response_message_count"), 4u);
  EXPECT_EQ(x.stat(method + "success"), 1u);
  EXPECT_EQ(x.stat(method + "failure"), 1u);
  EXPECT_EQ(x.stat(method + "total"), 2u);
  EXPECT_EQ(x.stat(method + "0"), 1u);
  EXPECT_EQ(x.stat(method + "5"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.D.total"), 1u);
}

TEST(GrpcStats, WithoutAChoiceAllMethodsCountTogether) {
  for (const char* fields : {"stats_for_all_methods: false", "emit_filter_state: false"}) {
    Exchange x{counting(fields)};
    x.origin(answer("0"));
    x.request(call("/a.B/C"));
    x.request(call("/a.B/D"));
    EXPECT_EQ(x.stat("cluster.origin.grpc.total"), 2u);
    EXPECT_EQ(x.stat("cluster.origin.grpc.request_message_count"), 2u);
  }
}

TEST(GrpcStats, OnlyListedMethodsCountForThemselves) {
  Exchange x{counting(
      "individual_method_stats_allowlist: {services: [{name: a.B, method_names: [C, D]}]}\n"
      "replace_dots_in_grpc_service_name: true")};
  x.origin(answer("0"));
  x.request(call("/a.B/C"));
  x.request(call("/a.B/E"));
  x.request(call("/a.X/C"));
  EXPECT_EQ(x.stat("cluster.origin.grpc.a_B.C.total"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.grpc.total"), 2u);
}

TEST(GrpcStats, AResponseThatIsAllHead) {
  Exchange x{counting("stats_for_all_methods: true")};
  x.origin({200, {{"content-type", "application/grpc"}, {"grpc-status", "7"}}, ""});
  x.request(call("/a.B/C"));
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.7"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.failure"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.response_message_count"), 0u);
}

TEST(GrpcStats, WeirsOwnRepliesCount) {
  Exchange x{counting("stats_for_all_methods: true")};
  Reply dies;
  dies.fate = Reply::Fate::HangUp;
  x.origin(dies);
  x.request(call("/a.B/C"));
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.14"), 1u);
}

TEST(GrpcStats, AStatusWithoutANameIsUnknown) {
  Exchange x{counting("stats_for_all_methods: true")};
  x.origin(answer("4711"));
  x.request(call("/a.B/C"));
  x.origin(answer("many"));
  x.request(call("/a.B/C"));
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.2"), 2u);
}

TEST(GrpcStats, WhatIsNotGrpcIsNotCounted) {
  Exchange x{counting("stats_for_all_methods: true\nemit_filter_state: true")};
  x.origin(answer("0"));
  x.request(call("/a.B/C"));
  x.request(call("/a.B/C", message(3), "application/json"));
  x.request(call("/a/b/c"));
  x.request(call("/a.B/C", message(3), "application/grpc-web"));
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.total"), 1u);
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.request_message_count"), 1u);
}

TEST(GrpcStats, TheTimeOfTheUpstreamIsMeasuredWhereThatIsAskedFor) {
  Exchange x{counting("enable_upstream_stats: true")};
  Reply late = answer("0");
  late.delay = std::chrono::milliseconds(70);
  x.origin(late);
  x.request(call("/a.B/C"));
  x.finish();
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.recorded("cluster.origin.grpc.upstream_rq_time"), 1u);
}

TEST(GrpcStats, HoweverTheBodyIsSplit) {
  Exchange x{counting("stats_for_all_methods: true")};
  x.origin(answer("0", 2));
  x.everySplit(call("/a.B/C", message(0) + message(9)));
  const uint64_t calls = x.stat("cluster.origin.grpc.a.B.C.total");
  EXPECT_EQ(x.stat("cluster.origin.grpc.a.B.C.request_message_count"), 2 * calls);
}

TEST(GrpcStats, RefusesAnEmptyList) {
  EXPECT_EQ(
      test::refusal(counting("individual_method_stats_allowlist: {services: [{name: a.B}]}")).field,
      "individual_method_stats_allowlist.services[0].method_names");
  EXPECT_EQ(test::refusal(
                counting("individual_method_stats_allowlist: {services: [{method_names: [C]}]}"))
                .field,
            "individual_method_stats_allowlist.services[0].name");
}

TEST(MethodStats, InventedMethodsCountTogether) {
  StatStore store;
  const StatScope scope(store);
  MethodStats::Choice choice;
  choice.every_method = true;
  MethodStats stats(std::move(choice), scope.counter("overflow"));
  MethodCache first, second;
  for (size_t i = 0; i < MethodStats::kMost + 10; ++i) {
    const std::string name = "M" + std::to_string(i);
    stats.find(i % 2 == 0 ? first : second, scope, "c", {"s", name}).countStatus(0);
  }
  EXPECT_EQ(store.value("overflow"), 10u);
  EXPECT_EQ(store.value("grpc.total"), 10u);
  EXPECT_EQ(store.value("grpc.s.M0.total"), 1u);
  // What was known before stays, for all workers.
  stats.find(second, scope, "c", {"s", "M0"}).countStatus(0);
  EXPECT_EQ(store.value("grpc.s.M0.total"), 2u);
}

}  // namespace
}  // namespace weir::filters::grpc_stats
