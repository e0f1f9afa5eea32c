#include "envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit.pb.h"

#include <gtest/gtest.h>

#include <memory>

#include "test/harness/network_filter_test.h"

namespace weir::network::local_ratelimit {

void install(FilterRegistry& registry);

namespace {

using Proto = envoy::extensions::filters::network::local_ratelimit::v3::LocalRateLimit;

class LocalRateLimitTest : public test::NetworkFilterTest<Proto> {
 protected:
  LocalRateLimitTest() : NetworkFilterTest(install) {}
};

const char kTwoASecond[] =
    R"({"statPrefix": "s", "tokenBucket": {"maxTokens": 2, "fillInterval": "1s", "tokensPerFill": 2}})";

TEST_F(LocalRateLimitTest, aBurstThenAsFastAsTheBucketFills) {
  const auto made = plan(kTwoASecond);
  ASSERT_TRUE(made);
  const auto pass = [&] {
    return type().make(made->get())->onConnection(connection_).kind() == Kind::Pass;
  };
  connection_.facts.now = SteadyTime(std::chrono::hours(1));
  EXPECT_TRUE(pass());
  EXPECT_TRUE(pass());
  EXPECT_FALSE(pass());
  connection_.facts.now += std::chrono::milliseconds(499);
  EXPECT_FALSE(pass());
  connection_.facts.now += std::chrono::milliseconds(1);
  EXPECT_TRUE(pass());
  EXPECT_FALSE(pass());
  connection_.facts.now += std::chrono::hours(1);
  EXPECT_TRUE(pass());
  EXPECT_TRUE(pass());
  EXPECT_FALSE(pass());  // no more than it holds
}

TEST_F(LocalRateLimitTest, oneKeyOneBucket) {
  std::string shared(kTwoASecond);
  shared.insert(1, R"("shareKey": "k", )");
  const auto one = plan(shared), other = plan(shared), alone = plan(kTwoASecond);
  connection_.facts.now = SteadyTime(std::chrono::hours(1));
  const auto pass = [&](const Result<PlanPtr>& of) {
    return type().make(of->get())->onConnection(connection_).kind() == Kind::Pass;
  };
  EXPECT_TRUE(pass(one));
  EXPECT_TRUE(pass(other));
  EXPECT_FALSE(pass(one));
  EXPECT_FALSE(pass(other));
  EXPECT_TRUE(pass(alone));
}

TEST_F(LocalRateLimitTest, saysWhatIsWrong) {
  const auto field = [this](const std::string& json) { return plan(json).error().field; };
  EXPECT_EQ(field(R"({"tokenBucket": {"maxTokens": 1, "fillInterval": "1s"}})"), "stat_prefix");
  EXPECT_EQ(field(R"({"statPrefix": "s"})"), "token_bucket.max_tokens");
  EXPECT_EQ(field(R"({"statPrefix": "s", "tokenBucket": {"maxTokens": 1}})"),
            "token_bucket.fill_interval");
  EXPECT_EQ(field(R"({"statPrefix": "s", "tokenBucket":
                      {"maxTokens": 1, "fillInterval": "1s", "tokensPerFill": 0}})"),
            "token_bucket.tokens_per_fill");
  EXPECT_EQ(field(R"({"statPrefix": "s", "tokenBucket":
                      {"maxTokens": 4000000000, "fillInterval": "100000s"}})"),
            "token_bucket");
}

}  // namespace
}  // namespace weir::network::local_ratelimit
