#include "test/harness/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::filters::fault {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::filter;

constexpr char kType[] =
    "\"@type\": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault\n";
constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";

test::Config fault(std::string_view yaml) { return filter(kType + std::string(yaml)); }
std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nhost: a.test\r\n" + std::string(fields) + "\r\n";
}

TEST(Fault, Aborts) {
  Exchange x{fault("abort: {http_status: 418, percentage: {numerator: 100}}")};
  x.request(kGet);
  EXPECT_EQ(x.status(), 418);
  EXPECT_EQ(x.body(), "fault filter abort");
  EXPECT_EQ(x.details(), "fault_filter_abort");
  EXPECT_TRUE(x.has(ResponseFlag::FaultInjected));
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.stat("http.test.fault.aborts_injected"), 1u);
  EXPECT_EQ(x.stat("http.test.fault.active_faults"), 0u);
}

TEST(Fault, DelaysAndThenPasses) {
  Exchange x{fault("delay: {fixed_delay: 0.25s, percentage: {numerator: 100}}")};
  x.request(kGet);
  x.advance(240ms);
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.stat("http.test.fault.active_faults"), 1u);
  x.advance(20ms);
  EXPECT_EQ(x.status(), 200);
  EXPECT_TRUE(x.has(ResponseFlag::DelayInjected));
  EXPECT_EQ(x.stat("http.test.fault.delays_injected"), 1u);
  EXPECT_EQ(x.stat("http.test.fault.active_faults"), 0u);
}

TEST(Fault, DelaysAndThenAborts) {
  Exchange x{
      fault("delay: {fixed_delay: 0.25s, percentage: {numerator: 100}}\n"
            "abort: {http_status: 503, percentage: {numerator: 100}, response_body: sorry}")};
  x.request(kGet);
  EXPECT_EQ(x.status(), 0);
  x.advance(260ms);
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.body(), "sorry");
  EXPECT_TRUE(x.has(ResponseFlag::DelayInjected));
  EXPECT_TRUE(x.has(ResponseFlag::FaultInjected));
}

TEST(Fault, TheShareIsKept) {
  Exchange x{
      fault("abort: {http_status: 500, percentage: {numerator: 2500, denominator: TEN_THOUSAND}}")};
  int aborted = 0;
  for (int i = 0; i < 400; ++i) {
    x.request(kGet);
    aborted += x.status() == 500 ? 1 : 0;
  }
  EXPECT_GT(aborted, 60);
  EXPECT_LT(aborted, 140);
}

TEST(Fault, TheClientAsksForAnAbort) {
  Exchange x{fault("abort: {header_abort: {}, percentage: {numerator: 100}}")};
  x.request(get("x-envoy-fault-abort-request: 429\r\n"));
  EXPECT_EQ(x.status(), 429);
  x.request(get("x-envoy-fault-abort-request: 999\r\n"));
  EXPECT_EQ(x.status(), 200) << "no such status";
  x.request(get("x-envoy-fault-abort-request: 4x9\r\n"));
  EXPECT_EQ(x.status(), 200);
  x.request(
      get("x-envoy-fault-abort-request: 429\r\nx-envoy-fault-abort-request-percentage: 0\r\n"));
  EXPECT_EQ(x.status(), 200);
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
}

TEST(Fault, AClientCannotAskForMoreThanIsConfigured) {
  Exchange x{fault("abort: {header_abort: {}, percentage: {numerator: 0}}")};
  x.request(
      get("x-envoy-fault-abort-request: 429\r\nx-envoy-fault-abort-request-percentage: 100\r\n"));
  EXPECT_EQ(x.status(), 200);
}

TEST(Fault, TheClientAsksForADelay) {
  Exchange x{fault("delay: {header_delay: {}, percentage: {numerator: 100}}")};
  x.request(get("x-envoy-fault-delay-request: 100\r\n"));
  EXPECT_FALSE(x.finished());
  x.advance(110ms);
  EXPECT_EQ(x.status(), 200);
  x.request(
      get("x-envoy-fault-delay-request: 100\r\nx-envoy-fault-delay-request-percentage: 0\r\n"));
  EXPECT_TRUE(x.finished());
}

TEST(Fault, GrpcClientsAreToldInTheirWords) {
  Exchange x{fault("abort: {grpc_status: 7, percentage: {numerator: 100}}")};
  x.request(get("content-type: application/grpc\r\n"));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("grpc-status"), "7");
  EXPECT_EQ(x.field("grpc-message"), "fault filter abort");
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.body(), "fault filter abort");
  Exchange asked{fault("abort: {header_abort: {}, percentage: {numerator: 100}}")};
  asked.request(get("content-type: application/grpc\r\nx-envoy-fault-abort-grpc-request: 5\r\n"));
  EXPECT_EQ(asked.field("grpc-status"), "5");
}

TEST(Fault, ConcernsOnlyWhomItIsFor) {
  const std::string abort = "abort: {http_status: 500, percentage: {numerator: 100}}\n";
  Exchange headers{fault(abort + "headers: [{name: x-test, string_match: {exact: \"1\"}}]")};
  headers.request(kGet);
  EXPECT_EQ(headers.status(), 200);
  headers.request(get("x-test: 1\r\n"));
  EXPECT_EQ(headers.status(), 500);
  Exchange cluster{fault(abort + "upstream_cluster: other")};
  cluster.request(kGet);
  EXPECT_EQ(cluster.status(), 200);
  Exchange same{fault(abort + "upstream_cluster: origin")};
  same.request(kGet);
  EXPECT_EQ(same.status(), 500);
  Exchange nodes{fault(abort + "downstream_nodes: [n1, n2]")};
  nodes.request(kGet);
  EXPECT_EQ(nodes.status(), 200);
}

TEST(Fault, TheNumberOfActiveFaultsIsLimited) {
  Exchange x{fault("delay: {fixed_delay: 1s, percentage: {numerator: 100}}\nmax_active_faults: 0")};
  x.request(kGet);
  EXPECT_TRUE(x.finished());
  EXPECT_EQ(x.stat("http.test.fault.faults_overflow"), 1u);
}

TEST(Fault, ARouteHasItsOwn) {
  Exchange x{
      fault("abort: {http_status: 500, percentage: {numerator: 100}}")
          .onRoute(kType + std::string("abort: {http_status: 599, percentage: {numerator: 100}}"))};
  x.request(kGet);
  EXPECT_EQ(x.status(), 599);
  EXPECT_EQ(x.stat("http.test.fault.aborts_injected"), 1u);
}

TEST(Fault, ABodySurvivesTheDelayHoweverItIsSplit) {
  Exchange x{fault("delay: {fixed_delay: 0.1s, percentage: {numerator: 100}}")};
  constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 6\r\n\r\nabcdef";
  x.everySplit(kPost);
  EXPECT_GE(x.cancelAtEveryWait(kPost), 6u);
  EXPECT_EQ(x.stat("http.test.fault.active_faults"), 0u);
}

TEST(Fault, RefusesAndWarnsByName) {
  EXPECT_EQ(test::refusal(fault("response_rate_limit: {fixed_limit: {limit_kbps: 1}}")).field,
            "response_rate_limit");
  EXPECT_EQ(test::refusal(fault("abort: {http_status: 199, percentage: {numerator: 1}}")).field,
            "abort.http_status");
  EXPECT_EQ(test::refusal(fault("abort: {percentage: {numerator: 1}}")).field, "abort");
  EXPECT_EQ(test::refusal(fault("delay: {fixed_delay: 0s, percentage: {numerator: 1}}")).field,
            "delay.fixed_delay");
  EXPECT_THAT(
      test::warnings(fault("delay: {fixed_delay: 1s}\nresponse_rate_limit_percent_runtime: key")),
      testing::UnorderedElementsAre(testing::StartsWith("response_rate_limit_percent_runtime: "),
                                    testing::StartsWith("delay.percentage: ")));
  EXPECT_THAT(test::warnings(fault("delay: {fixed_delay: 1s}\ndelay_percent_runtime: key")),
              testing::IsEmpty());
}

TEST(Fault, RuntimeDecidesWhileItRuns) {
  constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
  Exchange x{
      fault("abort: {http_status: 503, percentage: {numerator: 0}}\n"
            "abort_percent_runtime: mine")};
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  x.runtime("mine").set({}, {}, Fraction{1'000'000, 1'000'000});
  x.request(kGet);
  EXPECT_EQ(x.status(), 503);
  x.runtime("fault.http.abort.http_status").set(429, {}, {});
  x.request(kGet);
  EXPECT_EQ(x.status(), 429);
  x.runtime("fault.http.abort.http_status").set(99, {}, {});
  x.request(kGet);
  EXPECT_EQ(x.status(), 503);
  x.runtime("fault.http.max_active_faults").set(0, {}, {});
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.stat("http.test.fault.faults_overflow"), 1u);
}

TEST(Fault, RuntimeDecidesHowLongADelayIs) {
  Exchange x{fault("delay: {fixed_delay: 1s, percentage: {numerator: 100}}")};
  x.runtime("fault.http.delay.fixed_duration_ms").set(100, {}, {});
  x.request("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  x.advance(std::chrono::milliseconds(99));
  EXPECT_FALSE(x.finished());
  x.advance(std::chrono::milliseconds(2));
  EXPECT_EQ(x.status(), 200);
}

}  // namespace
}  // namespace weir::filters::fault
