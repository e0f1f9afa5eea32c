#include "test/harness/exchange.h"
#include "test/harness/sketches/sketches.h"

#include <gtest/gtest.h>

namespace weir::sketches {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;

test::Config keys() {
  return test::filter(R"(
"@type": type.googleapis.com/weir.sketches.JwtKeys
cluster: issuer
path: /keys
timeout: 2s
)")
      .cluster("issuer")
      .knowing(installJwtKeys);
}

std::string with(std::string_view token) {
  return "GET / HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer " + std::string(token) +
         "\r\n\r\n";
}

TEST(JwtKeysSketch, FetchesBeforeTheFirstRequest) {
  Exchange x{keys()};
  x.origin("issuer", {200, {}, "k1 k2"});
  x.settle();
  EXPECT_EQ(x.originRequests("issuer"), 1u);
  EXPECT_EQ(x.originSaw("issuer").head.substr(0, 10), "GET /keys\n");
  x.request(with("k2:ann"));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.originRequests("issuer"), 1u);
  x.request("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  EXPECT_EQ(x.body(), "Jwt is missing");
}

TEST(JwtKeysSketch, ARequestThatComesBeforeTheKeysWaitsForTheFetchThatRuns) {
  Exchange x{keys()};
  Reply late{200, {}, "k1"};
  late.delay = 500ms;
  x.origin("issuer", late);
  x.request(with("k1:ann"));
  x.advance(400ms);
  EXPECT_FALSE(x.finished());
  x.advance(200ms);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.originRequests("issuer"), 1u);
}

TEST(JwtKeysSketch, AnUnknownKeyIsAReasonToFetchButNotOften) {
  Exchange x{keys()};
  x.origin("issuer", {200, {}, "k1"});
  x.settle();
  x.origin("issuer", {200, {}, "k1 k2"});
  x.request(with("k2:ann"));
  EXPECT_FALSE(x.finished());
  x.advance(1100ms);
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.originRequests("issuer"), 2u);
  for (int i = 0; i < 5; ++i) {
    x.request(with("k9:eve"));
    x.advance(300ms);
  }
  x.finish();
  EXPECT_EQ(x.body(), "Jwt verification fails");
  EXPECT_LE(x.originRequests("issuer"), 4u);
}

TEST(JwtKeysSketch, KeysAreFetchedAgainFromTimeToTime) {
  Exchange x{keys()};
  x.origin("issuer", {200, {}, "k1"});
  x.settle();
  x.advance(9min);
  EXPECT_EQ(x.originRequests("issuer"), 1u);
  x.advance(90s);
  EXPECT_EQ(x.originRequests("issuer"), 2u);
}

TEST(JwtKeysSketch, WithoutAnIssuerRequestsFailInTime) {
  Exchange x{keys()};
  Reply never;
  never.fate = Reply::Fate::Never;
  x.origin("issuer", never);
  x.request(with("k1:ann"));
  x.advance(2100ms);
  EXPECT_EQ(x.status(), 401);
  EXPECT_EQ(x.body(), "Jwks remote fetch is failed");
}

TEST(JwtKeysSketch, LeavesNothingBehindWhenTheClientGoes) {
  Exchange x{keys()};
  x.origin("issuer", {200, {}, "k1"});
  x.cancelAtEveryWait(with("k9:eve"));
}

}  // namespace
}  // namespace weir::sketches
