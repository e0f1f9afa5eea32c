#include "weir/rbac.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "envoy/config/rbac/v3/rbac.pb.h"
#include "weir/head.h"

namespace weir {
namespace {

class OneFact final : public Metadata {
 public:
  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override {
    if (space != "space" || keys.size() != 1 || keys[0] != "key") return Found::Nothing;
    to += "value";
    return Found::Text;
  }
};

class RbacTest : public testing::Test {
 protected:
  RbacTest() {
    view_.remote = IpAddress::parse("192.0.2.7");
    view_.direct_remote = IpAddress::parse("10.0.0.9");
    view_.local = IpAddress::parse("10.0.0.1");
    view_.local_port = 443;
    view_.server_name = "www.example.com";
    view_.metadata = &metadata_;
  }
  static Result<AccessRules> rules(
      const std::string& json, AccessRules::Subject subject = AccessRules::Subject::Connection) {
    envoy::config::rbac::v3::RBAC proto;
    const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
    EXPECT_TRUE(status.ok()) << status.ToString() << json;
    return AccessRules::from(proto, subject);
  }
  static std::string policy(const std::string& permission, const std::string& principal) {
    return R"({"policies": {"p": {"permissions": [)" + permission + R"(], "principals": [)" +
           principal + "]}}}";
  }
  bool permits(const std::string& permission) {
    const auto made = rules(policy(permission, R"({"any": true})"));
    EXPECT_TRUE(made) << permission << made.error().text;
    return made && made->decide(view_).allowed;
  }
  bool knows(const std::string& principal) {
    const auto made = rules(policy(R"({"any": true})", principal));
    EXPECT_TRUE(made) << principal << made.error().text;
    return made && made->decide(view_).allowed;
  }
  OneFact metadata_;
  ConnectionView view_;
};

TEST_F(RbacTest, permissions) {
  EXPECT_TRUE(permits(R"({"destinationPort": 443})"));
  EXPECT_FALSE(permits(R"({"destinationPort": 80})"));
  EXPECT_TRUE(permits(R"({"destinationPortRange": {"start": 443, "end": 444}})"));
  EXPECT_FALSE(permits(R"({"destinationPortRange": {"start": 400, "end": 443}})"));
  EXPECT_TRUE(permits(R"({"destinationIp": {"addressPrefix": "10.0.0.0", "prefixLen": 8}})"));
  EXPECT_FALSE(permits(R"({"destinationIp": {"addressPrefix": "10.0.0.2", "prefixLen": 32}})"));
  EXPECT_TRUE(permits(R"({"requestedServerName": {"suffix": ".example.com"}})"));
  EXPECT_FALSE(permits(R"({"requestedServerName": {"exact": "example.com"}})"));
}

TEST_F(RbacTest, combinations) {
  const std::string yes = R"({"any": true})", no = R"({"destinationPort": 1})";
  EXPECT_TRUE(permits(R"({"andRules": {"rules": [)" + yes + "," + yes + "]}}"));
  EXPECT_FALSE(permits(R"({"andRules": {"rules": [)" + yes + "," + no + "]}}"));
  EXPECT_TRUE(permits(R"({"orRules": {"rules": [)" + no + "," + yes + "]}}"));
  EXPECT_FALSE(permits(R"({"orRules": {"rules": [)" + no + "," + no + "]}}"));
  EXPECT_TRUE(permits(R"({"notRule": )" + no + "}"));
  EXPECT_FALSE(knows(R"({"notId": {"any": true}})"));
}

TEST_F(RbacTest, addressesOfPrincipals) {
  const auto ip = [](const std::string& kind, const std::string& prefix) {
    return R"({")" + kind + R"(": {"addressPrefix": ")" + prefix + R"(", "prefixLen": 24}})";
  };
  EXPECT_TRUE(knows(ip("remoteIp", "192.0.2.0")));
  EXPECT_FALSE(knows(ip("remoteIp", "10.0.0.0")));
  EXPECT_TRUE(knows(ip("directRemoteIp", "10.0.0.0")));
  EXPECT_TRUE(knows(ip("sourceIp", "10.0.0.0")));
  view_.remote = view_.direct_remote = std::nullopt;  // a unix socket
  EXPECT_FALSE(knows(ip("remoteIp", "0.0.0.0")));
}

TEST_F(RbacTest, metadata) {
  const auto matcher = [](const std::string& value) {
    return R"({"metadata": {"filter": "space", "path": [{"key": "key"}], )" + value + "}}";
  };
  EXPECT_TRUE(permits(matcher(R"("value": {"stringMatch": {"exact": "value"}})")));
  EXPECT_FALSE(permits(matcher(R"("value": {"stringMatch": {"exact": "other"}})")));
  EXPECT_TRUE(permits(matcher(R"("value": {"presentMatch": true})")));
  EXPECT_FALSE(permits(matcher(R"("invert": true, "value": {"presentMatch": true})")));
  EXPECT_TRUE(knows(R"({"sourcedMetadata": {"metadataMatcher": {"filter": "space",
                        "path": [{"key": "other"}], "invert": true,
                        "value": {"presentMatch": true}}}})"));
}

TEST_F(RbacTest, certificates) {
  const std::string any = R"({"authenticated": {}})";
  const std::string named = R"({"authenticated": {"principalName": {"exact": "spiffe://a/b"}}})";
  EXPECT_FALSE(knows(any));
  view_.peer.secured = true;
  EXPECT_TRUE(knows(any));
  EXPECT_FALSE(knows(named));
  const std::vector<std::string> uri = {"spiffe://a/x", "spiffe://a/b"};
  view_.peer.presented = true;
  view_.peer.uri = uri;
  EXPECT_TRUE(knows(named));
  view_.peer.uri = {};
  view_.peer.dns = uri;
  EXPECT_TRUE(knows(named));
  view_.peer.dns = {};
  view_.peer.subject = "spiffe://a/b";
  EXPECT_TRUE(knows(named));
  view_.peer.presented = false;
  EXPECT_FALSE(knows(named));
}

TEST_F(RbacTest, requestsHaveMoreToMatch) {
  ChunkPool pool;
  Arena arena(pool);
  RequestHead head(arena);
  head.path = "/admin?x=1";
  head.fields.add("x-role", "root");
  const std::string path = R"({"urlPath": {"path": {"exact": "/admin"}}})";
  const std::string header = R"({"header": {"name": "x-role", "stringMatch": {"exact": "root"}}})";
  for (const std::string& permission : {path, header}) {
    EXPECT_FALSE(rules(policy(permission, R"({"any": true})")));
    const auto made = rules(policy(permission, R"({"any": true})"), AccessRules::Subject::Request);
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_TRUE(made->decide(view_, &head).allowed);
    EXPECT_FALSE(made->decide(view_).allowed);
  }
}

TEST_F(RbacTest, thePolicyThatMatchedFirstByName) {
  const auto made = rules(R"({"action": "DENY", "policies": {
      "b": {"permissions": [{"any": true}], "principals": [{"any": true}]},
      "a": {"permissions": [{"any": true}], "principals": [{"any": true}]},
      "0": {"permissions": [{"destinationPort": 1}], "principals": [{"any": true}]}}})");
  const auto decision = made->decide(view_);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.policy, "a");
}

TEST_F(RbacTest, whatIsRefused) {
  const auto field = [](const std::string& permission) {
    const auto made = rules(policy(permission, R"({"any": true})"));
    return made ? "accepted" : made.error().field;
  };
  const std::string at = R"(policies["p"].permissions[0])";
  EXPECT_EQ(field("{}"), at);
  EXPECT_EQ(field(R"({"any": false})"), at + ".any");
  EXPECT_EQ(field(R"({"matcher": {}})"), at + ".matcher");
  EXPECT_EQ(field(R"({"uriTemplate": {}})"), at + ".uri_template");
  EXPECT_EQ(field(R"({"destinationPort": 65536})"), at + ".destination_port");
  EXPECT_EQ(field(R"({"destinationPortRange": {"start": 2, "end": 2}})"),
            at + ".destination_port_range");
  EXPECT_EQ(field(R"({"andRules": {"rules": [{"any": true}, {"header": {"name": "a"}}]}})"),
            at + ".and_rules.rules[1].header");
  EXPECT_EQ(field(R"({"notRule": {"destinationIp": {"addressPrefix": "x"}}})"),
            at + ".not_rule.destination_ip.address_prefix");
  EXPECT_EQ(field(R"({"metadata": {"filter": "f", "path": [{"key": "k"}],
                      "value": {"boolMatch": true}}})"),
            at + ".metadata.value");
  EXPECT_EQ(rules(R"({"policies": {"p": {"permissions": [{"any": true}]}}})").error().field,
            R"(policies["p"].principals)");
  EXPECT_EQ(rules(policy(R"({"any": true})", R"({"filterState": {"key": "k"}})")).error().text,
            "there is no filter state");
}

}  // namespace
}  // namespace weir
