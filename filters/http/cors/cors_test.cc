#include "test/harness/exchange.h"

#include <gtest/gtest.h>

namespace weir::filters::cors {
namespace {

using test::Exchange;
using test::filter;

constexpr char kConfig[] =
    R"("@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors)";
constexpr char kPolicyType[] =
    "\"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy\n";

std::string policy(std::string_view more = "") {
  return kPolicyType + std::string(R"(
allow_origin_string_match: [{exact: "http://ok.test"}]
allow_methods: "GET,PUT"
allow_headers: x-a
expose_headers: x-b
max_age: "10"
allow_credentials: true
)") + std::string(more);
}

std::string preflight(std::string_view origin, std::string_view more = "") {
  return "OPTIONS /a HTTP/1.1\r\nhost: a.test\r\norigin: " + std::string(origin) +
         "\r\naccess-control-request-method: PUT\r\naccess-control-request-headers: x-q\r\n" +
         std::string(more) + "\r\n";
}
std::string get(std::string_view origin) {
  return "GET /a HTTP/1.1\r\nhost: a.test\r\norigin: " + std::string(origin) + "\r\n\r\n";
}

TEST(Cors, RuntimeTurnsItOff) {
  Exchange x{filter(kConfig).onRoute(
      policy("filter_enabled: {default_value: {numerator: 100}, runtime_key: on}"))};
  x.request(get("http://ok.test"));
  EXPECT_EQ(x.field("access-control-allow-origin"), "http://ok.test");
  x.runtime("on").set({}, {}, Fraction{0, 100});
  x.request(get("http://ok.test"));
  EXPECT_EQ(x.field("access-control-allow-origin"), "");
}

TEST(Cors, AnswersAPreflight) {
  Exchange x{filter(kConfig).onRoute(policy())};
  x.request(preflight("http://ok.test"));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.details(), "cors_response");
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.field("access-control-allow-origin"), "http://ok.test");
  EXPECT_EQ(x.field("access-control-allow-credentials"), "true");
  EXPECT_EQ(x.field("access-control-allow-methods"), "GET,PUT");
  EXPECT_EQ(x.field("access-control-allow-headers"), "x-a");
  EXPECT_EQ(x.field("access-control-max-age"), "10");
  EXPECT_EQ(x.field("access-control-expose-headers"), "x-b");
  EXPECT_FALSE(x.response().has("access-control-allow-private-network"));
  EXPECT_EQ(x.body(), "");
  EXPECT_EQ(x.stat("http.test.cors.origin_valid"), 1u);
}

TEST(Cors, MarksTheResponseToAnAllowedOrigin) {
  Exchange x{filter(kConfig).onRoute(policy())};
  x.request(get("http://ok.test"));
  EXPECT_EQ(x.field("access-control-allow-origin"), "http://ok.test");
  EXPECT_EQ(x.field("access-control-allow-credentials"), "true");
  EXPECT_EQ(x.field("access-control-expose-headers"), "x-b");
  EXPECT_FALSE(x.response().has("access-control-allow-methods"));
}

TEST(Cors, LeavesTheResponseToOtherOriginsAlone) {
  Exchange x{filter(kConfig).onRoute(policy())};
  x.request(get("http://bad.test"));
  EXPECT_EQ(x.status(), 200);
  EXPECT_FALSE(x.response().has("access-control-allow-origin"));
  EXPECT_FALSE(x.response().has("access-control-allow-credentials"));
  EXPECT_EQ(x.stat("http.test.cors.origin_invalid"), 1u);
}

TEST(Cors, PreflightsOfOtherOriginsGoToTheOriginUnlessTold) {
  Exchange x{filter(kConfig).onRoute(policy())};
  x.request(preflight("http://bad.test"));
  EXPECT_EQ(x.originRequests(), 1u);
  Exchange strict{filter(kConfig).onRoute(policy("forward_not_matching_preflights: false"))};
  strict.request(preflight("http://bad.test"));
  EXPECT_EQ(strict.originRequests(), 0u);
  EXPECT_EQ(strict.status(), 200);
  EXPECT_FALSE(strict.response().has("access-control-allow-origin"));
  EXPECT_EQ(strict.field("access-control-allow-methods"), "GET,PUT");
}

TEST(Cors, AStarAllowsWhatWasAskedFor) {
  Exchange x{filter(kConfig).onRoute(kPolicyType + std::string(R"(
allow_origin_string_match: [{exact: "*"}]
allow_methods: "*"
allow_headers: "*"
allow_private_network_access: true
)"))};
  x.request(preflight("http://any.test", "access-control-request-private-network: true\r\n"));
  EXPECT_EQ(x.field("access-control-allow-origin"), "http://any.test");
  EXPECT_EQ(x.field("access-control-allow-methods"), "PUT");
  EXPECT_EQ(x.field("access-control-allow-headers"), "x-q");
  EXPECT_EQ(x.field("access-control-allow-private-network"), "true");
}

TEST(Cors, WithoutAPolicyOrAnOriginItDoesNothing) {
  Exchange none{filter(kConfig)};
  none.request(preflight("http://ok.test"));
  EXPECT_EQ(none.originRequests(), 1u);
  Exchange x{filter(kConfig).onRoute(policy())};
  x.request("OPTIONS /a HTTP/1.1\r\nhost: a.test\r\naccess-control-request-method: PUT\r\n\r\n");
  x.request("OPTIONS /a HTTP/1.1\r\nhost: a.test\r\norigin: http://ok.test\r\n\r\n");
  EXPECT_EQ(x.originRequests(), 2u);
}

TEST(Cors, TheMostSpecificLevelDecidesFieldByField) {
  Exchange x{filter(kConfig).onVirtualHost(policy()).onRoute(
      kPolicyType + std::string("allow_methods: DELETE\nallow_credentials: false"))};
  x.request(preflight("http://ok.test"));
  EXPECT_EQ(x.field("access-control-allow-methods"), "DELETE");
  EXPECT_EQ(x.field("access-control-allow-headers"), "x-a");
  EXPECT_FALSE(x.response().has("access-control-allow-credentials"));
}

TEST(Cors, InTheShadowItOnlyCounts) {
  Exchange x{
      filter(kConfig).onRoute(policy("filter_enabled: {default_value: {numerator: 0}}\n"
                                     "shadow_enabled: {default_value: {numerator: 100}}"))};
  x.request(preflight("http://ok.test"));
  EXPECT_EQ(x.originRequests(), 1u);
  EXPECT_FALSE(x.response().has("access-control-allow-origin"));
  EXPECT_EQ(x.stat("http.test.cors.origin_valid"), 1u);
}

TEST(Cors, ARouteThatAnswersByItselfHasNone) {
  Exchange x{filter(kConfig).onVirtualHost(policy()).withRoutes(
      "- match: {prefix: /}\n  direct_response: {status: 200, body: {inline_string: direct}}")};
  x.request(preflight("http://ok.test"));
  EXPECT_EQ(x.body(), "direct");
  EXPECT_FALSE(x.response().has("access-control-allow-origin"));
}

TEST(Cors, RefusesBadPatternsAndValues) {
  EXPECT_EQ(
      test::refusal(filter(kConfig).onRoute(
                        kPolicyType +
                        std::string("allow_origin_string_match: [{safe_regex: {regex: \"(\"}}]")))
          .field,
      "allow_origin_string_match[0].safe_regex.regex");
  EXPECT_EQ(
      test::refusal(filter(kConfig).onRoute(kPolicyType + std::string("allow_methods: \"a\\nb\"")))
          .field,
      "allow_methods");
}

}  // namespace
}  // namespace weir::filters::cors
