#include "test/harness/exchange.h"
#include "test/harness/sketches/sketches.h"

#include <gtest/gtest.h>

namespace weir::sketches {
namespace {

using namespace std::chrono_literals;
using test::Exchange;
using test::Reply;

constexpr char kGet[] = "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n";
constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\nhi";

test::Config breaker() {
  return test::filter(R"(
"@type": type.googleapis.com/weir.sketches.CircuitBreaker
clusters: [origin]
failures: 2
rest: 10s
)")
      .knowing(installCircuitBreaker);
}

Reply fate(Reply::Fate fate) {
  Reply reply{200, {}, "0123456789"};
  reply.fate = fate;
  return reply;
}

// Sends it and says whether the breaker let it pass.
bool passes(Exchange& x, const char* request = kGet) {
  x.request(request);
  x.finish();
  return x.details() != "circuit_breaker_open";
}

TEST(CircuitBreakerSketch, OpensAfterFailuresInARow) {
  Exchange x{breaker()};
  x.origin({500});
  EXPECT_TRUE(passes(x));
  x.origin({200});
  EXPECT_TRUE(passes(x));
  x.origin({503});
  EXPECT_TRUE(passes(x));
  EXPECT_TRUE(passes(x));
  EXPECT_FALSE(passes(x));
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.stat("http.test.circuit_breaker.rejected"), 1u);
  EXPECT_EQ(x.originRequests(), 4u);
}

TEST(CircuitBreakerSketch, OneProbeDecides) {
  Exchange x{breaker()};
  x.origin({500});
  EXPECT_TRUE(passes(x));
  EXPECT_TRUE(passes(x));
  x.advance(9900ms);
  EXPECT_FALSE(passes(x));
  x.advance(200ms);
  EXPECT_TRUE(passes(x)) << "the probe";
  EXPECT_FALSE(passes(x)) << "it failed: open again";
  x.advance(10s);
  x.origin({200});
  EXPECT_TRUE(passes(x));
  EXPECT_TRUE(passes(x)) << "closed";
}

TEST(CircuitBreakerSketch, EveryKindOfFailureCounts) {
  for (const Reply::Fate bad : {Reply::Fate::HangUp, Reply::Fate::CutShort, Reply::Fate::Never}) {
    Exchange x{breaker()};
    x.origin(fate(bad));
    // Of a response that breaks off the head counted as a success, and then the break.
    EXPECT_TRUE(passes(x, kPost));
    if (bad == Reply::Fate::CutShort) {
      EXPECT_TRUE(passes(x, kPost));
      continue;
    }
    EXPECT_TRUE(passes(x, kPost));
    EXPECT_FALSE(passes(x, kPost)) << static_cast<int>(bad);
  }
}

TEST(CircuitBreakerSketch, AClientThatLeavesIsNoFailureAndGivesTheProbeBack) {
  Exchange x{breaker()};
  x.origin({500});
  EXPECT_TRUE(passes(x));
  EXPECT_TRUE(passes(x));
  x.advance(10s);
  x.origin(fate(Reply::Fate::Never));
  x.request(kGet);
  x.vanish();
  x.origin({200});
  EXPECT_TRUE(passes(x)) << "the next probe";
  EXPECT_TRUE(passes(x)) << "closed";
  x.cancelAtEveryWait(kPost);
}

}  // namespace
}  // namespace weir::sketches
