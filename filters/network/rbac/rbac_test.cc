#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"

#include <gtest/gtest.h>

#include <memory>

#include "test/harness/network_filter_test.h"

namespace weir::network::rbac {

void install(FilterRegistry& registry);

namespace {

using Proto = envoy::extensions::filters::network::rbac::v3::RBAC;

class RbacTest : public test::NetworkFilterTest<Proto> {
 protected:
  RbacTest() : NetworkFilterTest(install) {}
};

// A policy for clients of one network.
std::string policy(const std::string& network) {
  return R"({"permissions": [{"any": true}], "principals": [{"directRemoteIp":
           {"addressPrefix": ")" +
         network + R"(", "prefixLen": 24}}]})";
}

std::string rules(const std::string& action, const std::string& network) {
  return R"({"action": ")" + action + R"(", "policies": {"near": )" + policy(network) + "}}";
}

TEST_F(RbacTest, allowAndDeny) {
  const auto kind = [this](const std::string& action, const std::string& network) {
    const auto made = plan(R"({"statPrefix": "s", "rules": )" + rules(action, network) + "}");
    EXPECT_TRUE(made);
    return type().make(made->get())->onConnection(connection_).kind();
  };
  EXPECT_EQ(kind("ALLOW", "192.0.2.0"), Kind::Pass);
  EXPECT_EQ(kind("ALLOW", "10.0.0.0"), Kind::Close);
  EXPECT_EQ(kind("DENY", "192.0.2.0"), Kind::Close);
  EXPECT_EQ(kind("DENY", "10.0.0.0"), Kind::Pass);
  EXPECT_EQ(kind("LOG", "10.0.0.0"), Kind::Pass);
  EXPECT_EQ(connection_.metadata["envoy.common:access_log_hint"], "false");
  EXPECT_EQ(kind("LOG", "192.0.2.0"), Kind::Pass);
  EXPECT_EQ(connection_.metadata["envoy.common:access_log_hint"], "true");
}

TEST_F(RbacTest, saysWhichPolicyDenied) {
  const auto deny = plan(R"({"statPrefix": "s", "delayDeny": "1s", "rules": )" +
                         rules("DENY", "192.0.2.0") + "}");
  const auto filter = type().make(deny->get());
  const auto verdict = filter->onConnection(connection_);
  EXPECT_EQ(verdict.text(), "rbac_access_denied_matched_policy[near]");
  EXPECT_EQ(verdict.delay(), std::chrono::seconds(1));
  const auto allow = plan(R"({"statPrefix": "s", "rules": {"policies": {}}})");
  const auto none = type().make(allow->get());
  EXPECT_EQ(none->onConnection(connection_).text(), "rbac_access_denied_matched_policy[none]");
}

TEST_F(RbacTest, shadowRulesOnlyTell) {
  const auto made = plan(R"({"statPrefix": "s", "shadowRulesStatPrefix": "p_", "shadowRules": )" +
                         rules("DENY", "192.0.2.0") + "}");
  EXPECT_EQ(type().make(made->get())->onConnection(connection_).kind(), Kind::Pass);
  const std::string space = "envoy.filters.network.rbac:p_";
  EXPECT_EQ(connection_.metadata[space + "shadow_engine_result"], "denied");
  EXPECT_EQ(connection_.metadata[space + "shadow_effective_policy_id"], "near");
}

TEST_F(RbacTest, saysWhatIsNotSupported) {
  EXPECT_EQ(plan("{}").error().field, "stat_prefix");
  EXPECT_EQ(plan(R"({"statPrefix": "s", "matcher": {}})").error().field, "matcher");
  EXPECT_EQ(plan(R"({"statPrefix": "s", "rules": {"policies": {"p": {
               "permissions": [{"header": {"name": "a"}}], "principals": [{"any": true}]}}}})")
                .error()
                .field,
            R"(rules.policies["p"].permissions[0].header)");
}

}  // namespace
}  // namespace weir::network::rbac
