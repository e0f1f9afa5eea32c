// Expectations are what Envoy 1.40 did with the same configuration and request, and the examples of
// its documentation of x-forwarded-for.
#include "source/stream/forwarding_policy.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"

namespace weir::stream {
namespace {

using Hcm = ForwardingPolicy::Hcm;
using FieldList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

constexpr std::string_view kNone = "none";

class ForwardingPolicyTest : public ::testing::Test {
 protected:
  ForwardingPolicyTest() {
    head_.authority = "h.test";
    peer("198.51.100.7");
    info_.local = {"127.0.0.1:8080", "127.0.0.1", 8080, true};
  }
  static Hcm parse(const std::string& text) {
    Hcm proto;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
    return proto;
  }
  ForwardingPolicy policy(const std::string& text) {
    ProxyIdentity proxy;
    proxy.address = "192.0.2.2";
    proxy.service_cluster = "c1";
    proxy.service_node = "n1";
    auto made = ForwardingPolicy::from(parse(text), proxy);
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return *std::move(made);
  }
  void peer(std::string_view ip) { info_.direct_remote = {ip, ip, 4711, false}; }

  void apply(const std::string& config, FieldList fields) {
    head_.fields.clear();
    head_.scheme = {};
    info_.remote = info_.direct_remote;
    for (const auto& [name, value] : fields) head_.fields.add(name, value);
    policy_ = policy(config);
    sender_ = policy_.applyRequest(head_, info_, client_, arena_);
  }
  std::string_view field(std::string_view name) { return head_.fields.get(name).value_or(kNone); }
  std::string_view xff() { return field("x-forwarded-for"); }
  std::string_view external() { return field("x-envoy-external-address"); }

  ChunkPool pool_;
  Arena arena_{pool_};
  RequestHead head_{arena_};
  StreamInfo info_;
  ClientFacts client_;
  Sender sender_;
  ForwardingPolicy policy_;
};

TEST_F(ForwardingPolicyTest, DefaultsAddTheProtocolAndNothingElse) {
  apply("", {{"accept", "*/*"}});
  EXPECT_EQ(head_.fields.size(), 2u);
  EXPECT_EQ(field("x-forwarded-proto"), "http");
  EXPECT_EQ(head_.scheme, "http");
  EXPECT_EQ(info_.remote.ip, "198.51.100.7");
  EXPECT_FALSE(sender_.is_edge);
  EXPECT_FALSE(sender_.is_internal);
}

// Which address is the client's without use_remote_address.
TEST_F(ForwardingPolicyTest, LastXffAddressIsTheClientWithoutUseRemoteAddress) {
  const struct {
    std::string_view config;
    std::string_view xff;
    std::string_view client;  // "peer": the connection's
  } rows[] = {
      {"", "203.0.113.9", "203.0.113.9:0"},
      {"", "1.2.3.4, 10.0.0.1", "10.0.0.1:0"},
      {"", "1.2.3.4 ,\t10.0.0.1 ", "10.0.0.1:0"},
      {"", "2001:DB8:0::1", "[2001:db8::1]:0"},
      {"", "::ffff:1.2.3.4", "[::ffff:1.2.3.4]:0"},
      {"", "junk", "peer"},
      {"", "1.2.3.4:77", "peer"},
      {"", "[2001:db8::1]", "peer"},
      {"", "[2001:db8::1]:77", "peer"},
      {"", "1.2.3.4,", "peer"},
      {"", ",", "peer"},
      {"", "", "peer"},
      {"xff_num_trusted_hops: 1", "1.2.3.4, 5.6.7.8", "1.2.3.4:0"},
      {"xff_num_trusted_hops: 1", "5.6.7.8", "peer"},
      {"xff_num_trusted_hops: 2", "203.0.113.128, 203.0.113.10, 203.0.113.1", "203.0.113.128:0"},
      // Envoy's documentation, examples 2 to 4
      {"", "203.0.113.128, 203.0.113.10, 203.0.113.1", "203.0.113.1:0"},
      {"xff_num_trusted_hops: 1", "203.0.113.128, 203.0.113.10, 203.0.113.1", "203.0.113.10:0"},
  };
  for (const auto& row : rows) {
    apply(std::string(row.config), {{"x-forwarded-for", row.xff}});
    EXPECT_EQ(info_.remote.address, row.client == "peer" ? "198.51.100.7" : row.client) << row.xff;
    EXPECT_EQ(xff(), row.xff) << "is not appended to";
    EXPECT_EQ(external(), kNone);
  }
}

TEST_F(ForwardingPolicyTest, SeveralXffFieldsAreOneList_Rfc9110_5_3) {
  apply("", {{"x-forwarded-for", "1.2.3.4"}, {"a", "b"}, {"x-forwarded-for", "5.6.7.8"}});
  EXPECT_EQ(info_.remote.address, "5.6.7.8:0");
  EXPECT_EQ(xff(), "1.2.3.4,5.6.7.8");
}

TEST_F(ForwardingPolicyTest, UseRemoteAddressAppendsThePeerAndTrustsIt) {
  const struct {
    std::string_view config;
    std::string_view xff;  // before
    std::string_view after;
    std::string_view client;
  } rows[] = {
      {"", kNone, "198.51.100.7", "198.51.100.7"},
      {"", "1.2.3.4", "1.2.3.4,198.51.100.7", "198.51.100.7"},
      {"", "", "198.51.100.7", "198.51.100.7"},
      {"xff_num_trusted_hops: 1", "1.2.3.4, 5.6.7.8", "1.2.3.4, 5.6.7.8,198.51.100.7", "5.6.7.8"},
      {"xff_num_trusted_hops: 1", "junk", "junk,198.51.100.7", "198.51.100.7"},
      {"xff_num_trusted_hops: 1", kNone, "198.51.100.7", "198.51.100.7"},
      {"xff_num_trusted_hops: 2", "1.2.3.4, 5.6.7.8", "1.2.3.4, 5.6.7.8,198.51.100.7", "1.2.3.4"},
      {"xff_num_trusted_hops: 2", "5.6.7.8", "5.6.7.8,198.51.100.7", "198.51.100.7"},
      {"skip_xff_append: true", "1.2.3.4", "1.2.3.4", "198.51.100.7"},
      {"skip_xff_append: true", kNone, kNone, "198.51.100.7"},
  };
  for (const auto& row : rows) {
    const std::string config = "use_remote_address { value: true } " + std::string(row.config);
    if (row.xff == kNone)
      apply(config, {});
    else
      apply(config, {{"x-forwarded-for", row.xff}});
    EXPECT_EQ(xff(), row.after);
    EXPECT_EQ(external(), row.client);
    EXPECT_EQ(info_.remote.ip, row.client);
    EXPECT_TRUE(sender_.is_edge);
  }
}

TEST_F(ForwardingPolicyTest, LoopbackClientsAreNamedByTheProxysOwnAddress) {
  const std::string config = "use_remote_address { value: true }";
  peer("127.0.0.1");
  apply(config, {});
  EXPECT_EQ(xff(), "192.0.2.2");
  EXPECT_EQ(external(), "127.0.0.1");
  peer("127.0.0.2");
  apply(config, {});
  EXPECT_EQ(xff(), "127.0.0.2");
  peer("::1");
  apply(config, {});
  EXPECT_EQ(xff(), "192.0.2.2");
}

TEST_F(ForwardingPolicyTest, UnixClientsHaveNoAddressToTell) {
  peer("/run/client.sock");
  apply("use_remote_address { value: true }", {{"x-forwarded-for", "1.2.3.4"}});
  EXPECT_EQ(xff(), "1.2.3.4");
  EXPECT_EQ(external(), kNone);
}

TEST_F(ForwardingPolicyTest, Ipv4MayBeWrittenAsMappedIpv6) {
  apply(
      "use_remote_address { value: true } "
      "represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true",
      {});
  EXPECT_EQ(xff(), "::ffff:198.51.100.7");
}

TEST_F(ForwardingPolicyTest, InternalIsWhoComesAloneFromAConfiguredRange) {
  const std::string ranges =
      "internal_address_config { unix_sockets: true cidr_ranges { address_prefix: '10.0.0.0' "
      "prefix_len { value: 12 } } cidr_ranges { address_prefix: 'fd00::' "
      "prefix_len { value: 8 } } }";
  const std::string remote = ranges + " use_remote_address { value: true }";
  const struct {
    std::string config;
    std::string_view peer;
    std::string_view xff;
    bool internal;
  } rows[] = {
      {ranges, "10.0.0.9", "10.0.0.1", true},
      {ranges, "198.51.100.7", "10.15.255.255", true},
      {ranges, "198.51.100.7", "10.16.0.0", false},
      {ranges, "198.51.100.7", "fdff::1", true},
      {ranges, "198.51.100.7", "fe00::1", false},
      {ranges, "198.51.100.7", "10.0.0.1, 10.0.0.2", false},
      {ranges, "10.0.0.9", kNone, false},
      {remote, "10.0.0.9", kNone, true},
      {remote, "10.0.0.9", "10.0.0.1", false},
      {remote, "10.0.0.9", "", false},
      {remote, "198.51.100.7", kNone, false},
      {remote, "/run/client.sock", kNone, true},
      {"", "10.0.0.9", "10.0.0.1", false},
      {"use_remote_address { value: true }", "10.0.0.9", kNone, false},
  };
  for (const auto& row : rows) {
    peer(row.peer);
    if (row.xff == kNone)
      apply(row.config, {{"x-envoy-internal", "maybe"}});
    else
      apply(row.config, {{"x-forwarded-for", row.xff}, {"x-envoy-internal", "maybe"}});
    EXPECT_EQ(sender_.is_internal, row.internal) << row.peer << " " << row.xff;
    EXPECT_EQ(field("x-envoy-internal"), row.internal ? "true" : kNone);
  }
}

TEST_F(ForwardingPolicyTest, StrangersMayNotSteerRetriesTimeoutsAndTraces) {
  const std::string_view steering[] = {"retry-on",
                                       "retry-grpc-on",
                                       "max-retries",
                                       "upstream-rq-timeout-ms",
                                       "upstream-rq-per-try-timeout-ms",
                                       "hedge-on-per-try-timeout",
                                       "upstream-alt-stat-name",
                                       "force-trace",
                                       "expected-rq-timeout-ms",
                                       "retriable-status-codes",
                                       "retriable-header-names",
                                       "ip-tags",
                                       "original-url",
                                       "upstream-rq-timeout-alt-response"};
  const std::string_view of_the_edge[] = {"decorator-operation", "original-path", "original-host",
                                          "downstream-service-cluster", "downstream-service-node"};
  const std::string internal =
      "internal_address_config { cidr_ranges { address_prefix: '10.0.0.0' "
      "prefix_len { value: 8 } } }";
  const auto survives = [&](const std::string& config, std::string_view suffix) {
    const std::string name = "x-envoy-" + std::string(suffix);
    apply(config, {{"x-forwarded-for", "10.0.0.1"}, {name, "1"}, {"x-a", "b"}, {name, "2"}});
    EXPECT_EQ(field("x-a"), "b");
    return head_.fields.get(name).has_value();
  };
  for (std::string_view suffix : steering) {
    EXPECT_FALSE(survives("", suffix)) << suffix;
    EXPECT_FALSE(survives("use_remote_address { value: true }", suffix)) << suffix;
    EXPECT_TRUE(survives(internal, suffix)) << suffix;
  }
  for (std::string_view suffix : of_the_edge) {
    EXPECT_TRUE(survives("", suffix)) << suffix;
    EXPECT_FALSE(survives("use_remote_address { value: true }", suffix)) << suffix;
    EXPECT_TRUE(survives(internal, suffix)) << suffix;
  }
  EXPECT_TRUE(survives("use_remote_address { value: true }", "attempt-count"));
}

TEST_F(ForwardingPolicyTest, ForceTraceOfAnInternalRequestIsReported) {
  const std::string internal =
      "internal_address_config { cidr_ranges { address_prefix: '10.0.0.0' "
      "prefix_len { value: 8 } } }";
  apply(internal, {{"x-forwarded-for", "10.0.0.1"}, {"x-envoy-force-trace", "1"}});
  EXPECT_TRUE(sender_.forces_trace);
  apply("", {{"x-envoy-force-trace", "1"}});
  EXPECT_FALSE(sender_.forces_trace);
}

TEST_F(ForwardingPolicyTest, ProtocolIsBelievedOnlyOfTrustedHops) {
  const std::string remote = "use_remote_address { value: true } ";
  apply("", {{"x-forwarded-proto", "https"}});
  EXPECT_EQ(field("x-forwarded-proto"), "https");
  EXPECT_EQ(head_.scheme, "https");
  apply("", {{"x-forwarded-proto", "ftp"}});
  EXPECT_EQ(field("x-forwarded-proto"), "ftp");
  EXPECT_EQ(head_.scheme, "http");
  apply(remote, {{"x-forwarded-proto", "https"}});
  EXPECT_EQ(field("x-forwarded-proto"), "http");
  apply(remote + "xff_num_trusted_hops: 2", {{"x-forwarded-proto", "https"}});
  EXPECT_EQ(field("x-forwarded-proto"), "https");
  client_.is_tls = true;
  apply(remote, {{"x-forwarded-proto", "http"}});
  EXPECT_EQ(field("x-forwarded-proto"), "https");
  EXPECT_EQ(head_.scheme, "https");
}

TEST_F(ForwardingPolicyTest, SchemeMayBeOverwritten) {
  apply("scheme_header_transformation { scheme_to_overwrite: 'https' }",
        {{"x-forwarded-proto", "http"}});
  EXPECT_EQ(field("x-forwarded-proto"), "https");
  EXPECT_EQ(head_.scheme, "https");
  EXPECT_TRUE(
      policy("scheme_header_transformation { match_upstream: true }").schemeMatchesUpstream());
}

TEST_F(ForwardingPolicyTest, ProtocolFollowsThePortOnlyWhenProxyProtocolRestoredIt) {
  const std::string ports = "forward_proto_config { https_destination_ports: 8080 }";
  apply(ports, {});
  EXPECT_EQ(field("x-forwarded-proto"), "http");
  client_.local_restored = true;
  apply(ports, {});
  EXPECT_EQ(field("x-forwarded-proto"), "https");
}

TEST_F(ForwardingPolicyTest, PortIsAppendedWhenAskedForAndBelievedOfTrustedHops) {
  apply("", {});
  EXPECT_EQ(field("x-forwarded-port"), kNone);
  apply("append_x_forwarded_port: true", {});
  EXPECT_EQ(field("x-forwarded-port"), "8080");
  apply("append_x_forwarded_port: true", {{"x-forwarded-port", "9"}});
  EXPECT_EQ(field("x-forwarded-port"), "9");
  const std::string remote = "use_remote_address { value: true } append_x_forwarded_port: true ";
  apply(remote, {{"x-forwarded-port", "9"}});
  EXPECT_EQ(field("x-forwarded-port"), "8080");
  apply(remote + "xff_num_trusted_hops: 1", {{"x-forwarded-port", "7"}});
  EXPECT_EQ(field("x-forwarded-port"), "7");
}

TEST_F(ForwardingPolicyTest, ViaAndUserAgentAreAddedWhenConfigured_Rfc9110_7_6_3) {
  apply("via: 'edge' add_user_agent { value: true }", {});
  EXPECT_EQ(field("via"), "edge");
  EXPECT_EQ(field("user-agent"), "c1");
  EXPECT_EQ(field("x-envoy-downstream-service-cluster"), "c1");
  EXPECT_EQ(field("x-envoy-downstream-service-node"), "n1");
  apply("via: 'edge' add_user_agent { value: true }",
        {{"via", "a"}, {"user-agent", "u"}, {"via", "b"}});
  EXPECT_EQ(field("via"), "a,b, edge");
  EXPECT_EQ(field("user-agent"), "u");
}

TEST_F(ForwardingPolicyTest, HostIsStripped) {
  const struct {
    std::string_view host, any, matching, dot;
  } rows[] = {
      {"h", "h", "h", "h"},
      {"h:80", "h", "h:80", "h:80"},
      {"h:8080", "h", "h", "h:8080"},
      {"h:", "h:", "h:", "h:"},
      {"h:abc", "h:abc", "h:abc", "h:abc"},
      {"h:08080", "h", "h", "h:08080"},
      {"[::1]", "[::1]", "[::1]", "[::1]"},
      {"[::1]:8080", "[::1]", "[::1]", "[::1]:8080"},
      {"1.2.3.4:5", "1.2.3.4", "1.2.3.4:5", "1.2.3.4:5"},
      {"h.", "h.", "h.", "h"},
      {"h.:80", "h.", "h.:80", "h:80"},
      {"h..", "h..", "h..", "h."},
      {"", "", "", ""},
  };
  const auto strip = [&](const std::string& config, std::string_view host) {
    head_.authority = host;
    apply(config, {});
    return head_.authority;
  };
  for (const auto& row : rows) {
    EXPECT_EQ(strip("", row.host), row.host);
    EXPECT_EQ(strip("strip_any_host_port: true", row.host), row.any);
    EXPECT_EQ(strip("strip_matching_host_port: true", row.host), row.matching);
    EXPECT_EQ(strip("strip_trailing_host_dot: true", row.host), row.dot);
  }
  EXPECT_EQ(strip("strip_any_host_port: true strip_trailing_host_dot: true", "h.:80"), "h");
  head_.setMethod("CONNECT");
  EXPECT_EQ(strip("strip_any_host_port: true", "h:80"), "h:80");
}

TEST_F(ForwardingPolicyTest, RefererThatIsNoUrlIsRemoved) {
  for (std::string_view kept :
       {"http://a/", "https://a.b:8/x?y", "HTTP://A", "junk", "/rel", "//a", "a/b:c", "",
        "http://a/:x", "http://[::1]/", "android-app://com.x", "http://a?b:c"}) {
    apply("", {{"referer", kept}});
    EXPECT_EQ(field("referer"), kept);
  }
  for (std::string_view gone :
       {"about:blank", "a:80", "a:", "http://", "http:///x", "http://a:x", "http://a:99999",
        "http://a b", "http://u@h/", "://a", "http:/a", "http://[::1", "mailto:a@b", "a b"}) {
    apply("", {{"referer", gone}});
    EXPECT_EQ(field("referer"), kNone) << gone;
  }
}

TEST_F(ForwardingPolicyTest, ClientCertificateFieldIsSanitized) {
  constexpr std::string_view kName = "x-forwarded-client-cert";
  const struct {
    std::string_view mode, plain, mutual;  // what becomes of "old" without and with a certificate
  } rows[] = {{"SANITIZE", kNone, kNone},
              {"FORWARD_ONLY", kNone, "old"},
              {"APPEND_FORWARD", kNone, "old,Hash=1"},
              {"SANITIZE_SET", kNone, "Hash=1"},
              {"ALWAYS_FORWARD_ONLY", "old", "old"}};
  for (const auto& row : rows) {
    const std::string config = "forward_client_cert_details: " + std::string(row.mode);
    client_.certificate = {};
    apply(config, {{kName, "old"}});
    EXPECT_EQ(field(kName), row.plain) << row.mode;
    client_.certificate = "Hash=1";
    apply(config, {{kName, "old"}});
    EXPECT_EQ(field(kName), row.mutual) << row.mode;
  }
  apply("forward_client_cert_details: SANITIZE_SET", {});
  EXPECT_EQ(field(kName), "Hash=1");
}

}  // namespace
}  // namespace weir::stream
