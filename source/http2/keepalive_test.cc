#include "source/http2/keepalive.h"

#include <gtest/gtest.h>

namespace weir::http2 {
namespace {

using namespace std::chrono_literals;
using Action = Keepalive::Action;

constexpr Keepalive::SteadyTime kNow{1000s};

TEST(Keepalive, withoutAnIntervalItSaysNothing) {
  const Keepalive::Options options;
  Keepalive keepalive(options);
  keepalive.start(kNow, 7);
  EXPECT_EQ(keepalive.deadline(), Keepalive::SteadyTime::max());
  EXPECT_FALSE(keepalive.onRequest(kNow + 1h));
}

TEST(Keepalive, pingsEveryIntervalAndWaitsForTheAnswer) {
  const Keepalive::Options options{.interval = 10s, .timeout = 2s, .jitter_percent = 0};
  Keepalive keepalive(options);
  keepalive.start(kNow, 999);
  ASSERT_EQ(keepalive.deadline(), kNow + 10s);
  EXPECT_EQ(keepalive.onTimer(kNow + 9s), Action::None);
  EXPECT_EQ(keepalive.onTimer(kNow + 10s), Action::Ping);
  EXPECT_EQ(keepalive.deadline(), kNow + 12s);
  keepalive.onAck(kNow + 11s, 0);
  EXPECT_EQ(keepalive.deadline(), kNow + 21s);
}

TEST(Keepalive, anUnansweredPingIsTheEnd) {
  const Keepalive::Options options{.interval = 10s, .timeout = 2s, .jitter_percent = 0};
  Keepalive keepalive(options);
  keepalive.start(kNow, 0);
  ASSERT_EQ(keepalive.onTimer(kNow + 10s), Action::Ping);
  EXPECT_EQ(keepalive.onTimer(kNow + 11s), Action::None);
  EXPECT_EQ(keepalive.onTimer(kNow + 12s), Action::Dead);
}

TEST(Keepalive, whatArrivesGivesMoreTime) {
  const Keepalive::Options options{.interval = 10s, .timeout = 2s, .jitter_percent = 0};
  Keepalive keepalive(options);
  keepalive.start(kNow, 0);
  ASSERT_EQ(keepalive.onTimer(kNow + 10s), Action::Ping);
  keepalive.onInput(kNow + 11s);
  EXPECT_EQ(keepalive.onTimer(kNow + 12s), Action::None);
  EXPECT_EQ(keepalive.onTimer(kNow + 13s), Action::Dead);
}

TEST(Keepalive, jitterIsAddedAndBounded) {
  const Keepalive::Options options{.interval = 10s, .timeout = 2s, .jitter_percent = 50};
  Keepalive keepalive(options);
  keepalive.start(kNow, 0);
  EXPECT_EQ(keepalive.deadline(), kNow + 10s);
  keepalive.start(kNow, 500);
  EXPECT_EQ(keepalive.deadline(), kNow + 12500ms);
  keepalive.start(kNow, 999);
  EXPECT_LT(keepalive.deadline(), kNow + 15s);
}

TEST(Keepalive, aRequestAfterASilencePings) {
  const Keepalive::Options options{.timeout = 2s, .idle = 5s};
  Keepalive keepalive(options);
  keepalive.start(kNow, 0);
  EXPECT_FALSE(keepalive.onRequest(kNow + 4s));
  EXPECT_TRUE(keepalive.onRequest(kNow + 5s));
  EXPECT_FALSE(keepalive.onRequest(kNow + 6s)) << "one is out";
  EXPECT_EQ(keepalive.onTimer(kNow + 7s), Action::Dead);
}

}  // namespace
}  // namespace weir::http2
