#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"

#include <gtest/gtest.h>

#include <memory>

#include "test/harness/network_filter_test.h"

namespace weir::network::connection_limit {

void install(FilterRegistry& registry);

namespace {

using Proto = envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit;

class ConnectionLimitTest : public test::NetworkFilterTest<Proto> {
 protected:
  ConnectionLimitTest() : NetworkFilterTest(install) {}
};

TEST_F(ConnectionLimitTest, thoseThatAreGoneMakeRoom) {
  const auto made = plan(R"({"statPrefix": "s", "maxConnections": 2, "delay": "0.2s"})");
  ASSERT_TRUE(made);
  auto first = type().make(made->get()), second = type().make(made->get());
  EXPECT_EQ(first->onConnection(connection_).kind(), Kind::Pass);
  EXPECT_EQ(second->onConnection(connection_).kind(), Kind::Pass);
  for (int i = 0; i < 3; ++i) {  // those that are refused take no room
    const auto third = type().make(made->get())->onConnection(connection_);
    EXPECT_EQ(third.kind(), Kind::Close);
    EXPECT_EQ(third.delay(), std::chrono::milliseconds(200));
  }
  first.reset();
  EXPECT_EQ(type().make(made->get())->onConnection(connection_).kind(), Kind::Pass);
}

TEST_F(ConnectionLimitTest, mayBeSwitchedOff) {
  const auto made = plan(
      R"({"statPrefix": "s", "maxConnections": 1, "runtimeEnabled": {"defaultValue": false}})");
  ASSERT_TRUE(made);
  auto first = type().make(made->get()), second = type().make(made->get());
  EXPECT_EQ(first->onConnection(connection_).kind(), Kind::Pass);
  EXPECT_EQ(second->onConnection(connection_).kind(), Kind::Pass);
}

TEST_F(ConnectionLimitTest, saysWhatIsWrong) {
  EXPECT_EQ(plan(R"({"maxConnections": 1})").error().field, "stat_prefix");
  EXPECT_EQ(plan(R"({"statPrefix": "s"})").error().field, "max_connections");
}

}  // namespace
}  // namespace weir::network::connection_limit
