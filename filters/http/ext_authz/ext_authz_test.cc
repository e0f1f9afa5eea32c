#include "test/harness/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::filters::ext_authz {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;

constexpr char kPackage[] =
    "\"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.";
constexpr char kGet[] =
    "GET /a?b HTTP/1.1\r\nhost: a.test\r\nauthorization: secret\r\ncookie: c=1\r\n\r\n";
constexpr char kPost[] = "POST /a HTTP/1.1\r\nhost: a.test\r\ncontent-length: 6\r\n\r\nabcdef";

// `service`: more fields of http_service; `more`: of ExtAuthz.
test::Config authz(std::string_view more = "", std::string_view service = "") {
  test::Config config =
      test::filter(kPackage + std::string("ExtAuthz\nhttp_service:\n") +
                   "  server_uri: {uri: \"http://authz\", cluster: authz, timeout: 0.5s}\n" +
                   std::string(service) + "\n" + std::string(more));
  return config.cluster("authz");
}
std::string perRoute(std::string_view yaml) {
  return kPackage + std::string("ExtAuthzPerRoute\n") + std::string(yaml);
}

TEST(ExtAuthz, AnAllowedRequestPassesAndTheServiceSeesLittle) {
  Exchange x{authz()};
  x.origin({200, {}, "answer"});
  x.request(kGet);
  EXPECT_EQ(x.body(), "answer");
  EXPECT_EQ(x.originSaw("authz").text(), "GET /a?b\nhost: a.test\nauthorization: secret\n\n");
  EXPECT_EQ(x.stat("http.test.ext_authz.ok"), 1u);
}

TEST(ExtAuthz, ADeniedRequestNeverReachesTheOrigin) {
  Exchange x{authz()};
  x.origin("authz", Reply{401,
                          {{"www-authenticate", "Basic"},
                           {"set-cookie", "a=1"},
                           {"set-cookie", "b=2"},
                           {"content-type", "text/html"},
                           {"connection", "close"}},
                          "go away"});
  x.request(kGet);
  EXPECT_EQ(x.status(), 401);
  EXPECT_EQ(x.body(), "go away");
  EXPECT_EQ(x.field("www-authenticate"), "Basic");
  EXPECT_EQ(x.field("set-cookie"), "a=1,b=2");
  EXPECT_EQ(x.field("content-type"), "text/html");
  EXPECT_EQ(x.field("content-length"), "7");
  EXPECT_EQ(x.details(), "ext_authz_denied");
  EXPECT_TRUE(x.has(ResponseFlag::UnauthorizedExternalService));
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.stat("http.test.ext_authz.denied"), 1u);
}

TEST(ExtAuthz, AnyAnswerBut200IsADenial) {
  Exchange x{authz()};
  for (const uint16_t status : {201, 204, 302, 404}) {
    x.origin("authz", Reply{status});
    x.request(kGet);
    EXPECT_EQ(x.status(), status);
    EXPECT_EQ(x.details(), "ext_authz_denied");
  }
  EXPECT_EQ(x.originRequests(), 0u);
}

TEST(ExtAuthz, AFailingServiceLetsNobodyPass) {
  Exchange x{authz("status_on_error: {code: ServiceUnavailable}")};
  for (const Reply::Fate fate : {Reply::Fate::HangUp, Reply::Fate::Never}) {
    Reply reply;
    reply.fate = fate;
    x.origin("authz", reply);
    x.request(kGet);
    x.finish();
    EXPECT_EQ(x.status(), 503);
    EXPECT_EQ(x.details(), "ext_authz_error");
  }
  x.origin("authz", Reply{500});
  x.request(kGet);
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.stat("http.test.ext_authz.error"), 3u);
  EXPECT_EQ(x.stat("http.test.ext_authz.timeout"), 1u);
}

TEST(ExtAuthz, TheTimeoutIsTheConfiguredOne) {
  Exchange x{authz()};
  Reply never;
  never.fate = Reply::Fate::Never;
  x.origin("authz", never);
  x.request(kGet);
  x.advance(490ms);
  EXPECT_FALSE(x.finished());
  x.advance(30ms);
  EXPECT_EQ(x.status(), 403);
}

TEST(ExtAuthz, AFailureMayBeAllowed) {
  Exchange x{authz("failure_mode_allow: true\nfailure_mode_allow_header_add: true")};
  x.origin("authz", Reply{503});
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.upstreamHeader("x-envoy-auth-failure-mode-allowed"), "true");
  EXPECT_EQ(x.stat("http.test.ext_authz.failure_mode_allowed"), 1u);
}

TEST(ExtAuthz, WhatTheServiceSeesIsConfigured) {
  Exchange x{authz(
      "allowed_headers: {patterns: [{prefix: x-in}, {exact: cookie}, {exact: upgrade}]}\n"
      "disallowed_headers: {patterns: [{exact: x-in-no}]}",
      "  path_prefix: /pre\n"
      "  authorization_request: {headers_to_add: [{key: x-add, value: \"%REQ(x-in-a)%!\"}]}")};
  x.request(
      "GET /a?b HTTP/1.1\r\nhost: a.test\r\nx-in-a: 1\r\nx-in-a: 2\r\nx-in-no: 1\r\ncookie: "
      "c\r\nx-out: 1\r\n\r\n");
  EXPECT_EQ(x.originSaw("authz").text(),
            "GET /pre/a?b\nhost: a.test\nx-in-a: 1,2\ncookie: c\nx-add: 1!\n\n");
  x.request(kGet);
  EXPECT_EQ(x.originSaw("authz").field("x-add"), "!");
}

TEST(ExtAuthz, AnEmptyValueIsNotAdded) {
  Exchange x{authz(
      "", "  authorization_request: {headers_to_add: [{key: x-add, value: \"%REQ(x-none)%\"}]}")};
  x.request(kGet);
  EXPECT_EQ(x.originSaw("authz").head.find("x-add"), std::string::npos);
}

TEST(ExtAuthz, APathOfItsOwn) {
  Exchange x{authz("", "  path_override: /check")};
  x.request(kGet);
  EXPECT_TRUE(x.originSaw("authz").head.starts_with("GET /check\n"));
}

TEST(ExtAuthz, WhatTheOriginAndTheClientSeeIsConfigured) {
  Exchange x{authz("",
                   "  authorization_response:\n"
                   "    allowed_upstream_headers: {patterns: [{prefix: x-up}]}\n"
                   "    allowed_upstream_headers_to_append: {patterns: [{prefix: x-app}]}\n"
                   "    allowed_client_headers_on_success: {patterns: [{prefix: x-cli}]}\n"
                   "    allowed_client_headers: {patterns: [{prefix: x-no}]}")};
  const test::FieldList says = {
      {"x-up", "u"}, {"x-app", "2"},     {"x-cli", "c"},
      {"x-no", "n"}, {"location", "/l"}, {"x-envoy-auth-headers-to-remove", "X-Kill, x-kill2"}};
  x.origin("authz", Reply{200, says});
  x.request(
      "GET / HTTP/1.1\r\nhost: a\r\nx-up: mine\r\nx-up: too\r\nx-app: 1\r\nx-kill: 1\r\nx-kill2: "
      "1\r\n\r\n");
  EXPECT_EQ(x.upstreamHeader("x-up"), "u");
  EXPECT_EQ(x.upstreamHeader("x-app"), "1,2");
  EXPECT_EQ(x.upstreamHeader("x-kill"), "");
  EXPECT_EQ(x.upstreamHeader("x-kill2"), "");
  EXPECT_EQ(x.field("x-cli"), "c");
  EXPECT_FALSE(x.response().has("x-no"));
  x.origin("authz", Reply{403, says, "no"});
  x.request(kGet);
  EXPECT_EQ(x.field("x-no"), "n");
  EXPECT_EQ(x.field("location"), "/l");
  EXPECT_FALSE(x.response().has("x-cli"));
  EXPECT_EQ(x.body(), "no");
}

TEST(ExtAuthz, TheServiceMaySeeTheBody) {
  Exchange x{authz("with_request_body: {max_request_bytes: 6}")};
  x.request(kPost);
  EXPECT_EQ(x.originSaw("authz").body, "abcdef");
  EXPECT_EQ(x.originSaw("authz").field("x-envoy-auth-partial-body"), "false");
  EXPECT_EQ(x.originSaw().body, "abcdef");
  x.everySplit(kPost);
  Exchange less{authz("with_request_body: {max_request_bytes: 5}")};
  less.request(kPost);
  EXPECT_EQ(less.status(), 413);
  EXPECT_EQ(less.originRequests("authz"), 0u);
}

TEST(ExtAuthz, APartOfTheBodyMayDo) {
  Exchange x{authz("with_request_body: {max_request_bytes: 4, allow_partial_message: true}")};
  x.request(kPost, {3});
  EXPECT_EQ(x.originSaw("authz").body, "abcd");
  EXPECT_EQ(x.originSaw("authz").field("x-envoy-auth-partial-body"), "true");
  EXPECT_EQ(x.originSaw().body, "abcdef");
  EXPECT_EQ(x.upstreamHeader("content-length"), "6");
}

TEST(ExtAuthz, ARouteIsSpared) {
  Exchange x{authz().onRoute(perRoute("disabled: true"))};
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.originRequests("authz"), 0u);
}

TEST(ExtAuthz, ARouteHasItsOwnWay) {
  Exchange bodies{authz("with_request_body: {max_request_bytes: 2}")
                      .onRoute(perRoute("check_settings: {disable_request_body_buffering: true}"))};
  bodies.request(kPost);
  EXPECT_EQ(bodies.status(), 200);
  EXPECT_EQ(bodies.originSaw("authz").body, "");
  test::Config config =
      authz().onRoute(perRoute("check_settings: {http_service: {path_override: /two, server_uri: "
                               "{uri: x, cluster: authz2, timeout: 1s}}}"));
  Exchange other{config.cluster("authz2")};
  other.request(kGet);
  EXPECT_EQ(other.originRequests("authz"), 0u);
  EXPECT_TRUE(other.originSaw("authz2").head.starts_with("GET /two\n"));
}

TEST(ExtAuthz, OffMayMeanAllowOrDeny) {
  Exchange allow{authz("filter_enabled: {default_value: {numerator: 0}}")};
  allow.request(kGet);
  EXPECT_EQ(allow.status(), 200);
  EXPECT_EQ(allow.stat("http.test.ext_authz.disabled"), 1u);
  Exchange deny{
      authz("filter_enabled: {default_value: {numerator: 0}}\n"
            "deny_at_disable: {default_value: true, runtime_key: k}")};
  deny.request(kGet);
  EXPECT_EQ(deny.status(), 403);
  EXPECT_EQ(deny.details(), "ext_authz_error");
}

TEST(ExtAuthz, RuntimeTurnsItOnAndOff) {
  Exchange x{
      authz("filter_enabled: {default_value: {numerator: 100}, runtime_key: on}\n"
            "deny_at_disable: {runtime_key: deny}")};
  x.request(kGet);
  EXPECT_EQ(x.originRequests("authz"), 1u);
  x.runtime("on").set({}, {}, Fraction{0, 100});
  x.request(kGet);
  EXPECT_EQ(x.status(), 200);
  x.runtime("deny").set({}, true, {});
  x.request(kGet);
  EXPECT_EQ(x.status(), 403);
  EXPECT_EQ(x.originRequests("authz"), 1u);
}

TEST(ExtAuthz, ALongDenialIsCut) {
  Exchange x{authz("max_denied_response_body_bytes: 3\nstat_prefix: waf")};
  x.origin("authz", Reply{403, {}, "go away"});
  x.request(kGet);
  EXPECT_EQ(x.body(), "go ");
  EXPECT_EQ(x.stat("http.test.ext_authz.waf.denied"), 1u);
}

TEST(ExtAuthz, WheneverTheClientVanishesTheQuestionIsWithdrawn) {
  Exchange x{authz("with_request_body: {max_request_bytes: 6}")};
  Reply late{200};
  late.delay = 100ms;
  x.origin("authz", late);
  x.origin(late);
  EXPECT_GE(x.cancelAtEveryWait(kPost), 10u);
  EXPECT_EQ(x.stat("http.test.ext_authz.error"), 0u);
}

TEST(ExtAuthz, RefusesAndWarnsByName) {
  const auto field = [](const test::Config& config) { return test::refusal(config).field; };
  EXPECT_EQ(field(test::filter(
                kPackage + std::string("ExtAuthz\ngrpc_service: {envoy_grpc: {cluster_name: a}}"))),
            "grpc_service");
  EXPECT_EQ(field(authz("clear_route_cache: true")), "clear_route_cache");
  EXPECT_EQ(field(authz("shadow_mode: true")), "shadow_mode");
  EXPECT_EQ(field(authz("filter_enabled_metadata: {filter: a}")), "filter_enabled_metadata");
  EXPECT_EQ(field(authz("decoder_header_mutation_rules: {disallow_all: true}")),
            "decoder_header_mutation_rules");
  EXPECT_EQ(field(authz("with_request_body: {}")), "with_request_body.max_request_bytes");
  EXPECT_EQ(field(authz("", "  path_prefix: pre")), "http_service.path_prefix");
  EXPECT_EQ(field(authz("", "  retry_policy: {num_retries: 1}")), "http_service.retry_policy");
  EXPECT_EQ(field(authz().onRoute(
                perRoute("check_settings: {grpc_service: {envoy_grpc: {cluster_name: a}}}"))),
            "check_settings.grpc_service");
  EXPECT_THAT(
      test::warnings(authz("include_peer_certificate: true\nmetadata_context_namespaces: [a]")),
      testing::UnorderedElementsAre(testing::StartsWith("include_peer_certificate: "),
                                    testing::StartsWith("metadata_context_namespaces: ")));
}

}  // namespace
}  // namespace weir::filters::ext_authz
