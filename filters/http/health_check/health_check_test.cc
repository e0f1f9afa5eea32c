#include "test/harness/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::filters::health_check {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::filter;

constexpr char kCheck[] = "GET /hc HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kOther[] = "GET /other HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kChecked[] = "x-envoy-upstream-healthchecked-cluster";

test::Config check(std::string_view yaml) {
  return filter(
      "\"@type\": type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck\n"
      "headers: [{name: \":path\", string_match: {exact: /hc}}]\n" +
      std::string(yaml));
}

TEST(HealthCheck, AnswersByItself) {
  Exchange x{check("pass_through_mode: false")};
  x.request(kCheck);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.details(), "health_check_ok");
  EXPECT_EQ(x.field(kChecked), "test-cluster");
  EXPECT_EQ(x.originRequests(), 0u);
  x.request(kOther);
  EXPECT_EQ(x.originRequests(), 1u);
  EXPECT_FALSE(x.response().has(kChecked));
  EXPECT_EQ(x.stat("http.test.health_check.request_total"), 1u);
  EXPECT_EQ(x.stat("http.test.health_check.ok"), 1u);
}

TEST(HealthCheck, AnOperatorTakesTheServerOut) {
  for (const char* mode : {"pass_through_mode: false", "pass_through_mode: true"}) {
    Exchange x{check(mode)};
    x.failHealthCheck(true);
    x.request(kCheck);
    EXPECT_EQ(x.status(), 503);
    EXPECT_EQ(x.details(), "health_check_failed");
    EXPECT_TRUE(x.has(ResponseFlag::FailedLocalHealthCheck));
    EXPECT_EQ(x.originRequests(), 0u);
    x.request(kOther);
    EXPECT_EQ(x.status(), 200);
    EXPECT_EQ(x.field("x-envoy-immediate-health-check-fail"), "true");
    x.failHealthCheck(false);
    x.request(kCheck);
    EXPECT_EQ(x.status(), 200);
  }
}

TEST(HealthCheck, JudgesClusters) {
  const std::string local = "pass_through_mode: false\ncluster_min_healthy_percentages: ";
  Exchange healthy{check(local + "{origin: {value: 100}}")};
  healthy.request(kCheck);
  EXPECT_EQ(healthy.status(), 200);
  EXPECT_EQ(healthy.details(), "health_check_ok_cluster_healthy");
  Exchange unknown{check(local + "{nowhere: {value: 1}}")};
  unknown.request(kCheck);
  EXPECT_EQ(unknown.status(), 503);
  EXPECT_EQ(unknown.details(), "health_check_failed_no_cluster_found");
  EXPECT_EQ(unknown.stat("http.test.health_check.failed_cluster_not_found"), 1u);
}

TEST(HealthCheck, PassesThroughAndRemembers) {
  Exchange x{check("pass_through_mode: true\ncache_time: 5s")};
  x.origin({503, {{"x-envoy-degraded", ""}}});
  x.request(kCheck);
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.details(), "via_upstream");
  EXPECT_EQ(x.field(kChecked), "test-cluster");
  x.origin({200});
  x.advance(4s);
  x.request(kCheck);
  EXPECT_EQ(x.status(), 503) << "remembered";
  EXPECT_EQ(x.details(), "health_check_cached");
  EXPECT_TRUE(x.response().has("x-envoy-degraded"));
  EXPECT_EQ(x.originRequests(), 1u);
  EXPECT_EQ(x.stat("http.test.health_check.cached_response"), 1u);
  x.advance(1100ms);
  x.request(kCheck);
  EXPECT_EQ(x.status(), 200) << "too old";
  EXPECT_EQ(x.originRequests(), 2u);
}

TEST(HealthCheck, WithoutCacheTimeEveryCheckPasses) {
  Exchange x{check("pass_through_mode: true")};
  x.request(kCheck);
  x.request(kCheck);
  EXPECT_EQ(x.originRequests(), 2u);
}

TEST(HealthCheck, RefusesAndWarnsByName) {
  EXPECT_EQ(test::refusal(check("")).field, "pass_through_mode");
  EXPECT_EQ(test::refusal(check("pass_through_mode: false\ncache_time: 1s")).field, "cache_time");
  EXPECT_THAT(test::warnings(check("pass_through_mode: false\n"
                                   "cluster_min_healthy_percentages: {nowhere: {value: 1}}")),
              testing::ElementsAre(testing::StartsWith("cluster_min_healthy_percentages: ")));
}

}  // namespace
}  // namespace weir::filters::health_check
