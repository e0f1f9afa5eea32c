#include <gtest/gtest.h>

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "google/protobuf/util/json_util.h"
#include "source/codec/opening/hello_bytes.h"
#include "source/listener/inspectors.h"
#include "source/listener/port_predicate.h"
#include "source/listener/proxy_protocol.h"
#include "source/listener/tlv_text.h"

namespace weir::listener {
namespace {

using Verdict = ListenerFilter::Verdict;
using std::string_literals::operator""s;

template <typename Proto>
Proto proto(const std::string& json) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &proto).ok()) << json;
  return proto;
}

// A connection to 127.0.0.1:80 from 127.0.0.1:9.
struct Connection {
  net::Address remote = *net::Address::ip("127.0.0.1", 9);
  net::Address local = *net::Address::ip("127.0.0.1", 80);
  transport::ConnectionFacts facts;
  Introduction about{-1, remote, local, facts};

  ListenerFilter::Step sends(const ListenerFilterPlan& plan, std::string_view bytes) {
    const auto filter = plan.start();
    EXPECT_EQ(filter->onBytes({}, about).verdict, Verdict::NeedMore);
    return filter->onBytes(bytes, about);
  }
};

class ProxyProtocolTest : public testing::Test {
 protected:
  ProxyProtocolPlan plan(const std::string& json) {
    return ProxyProtocolPlan(proto<ProxyProtocolPlan::Proto>(json), StatScope(), Where(report_));
  }
  ListenerFilter::Step sends(const std::string& json, std::string_view bytes) {
    const ProxyProtocolPlan made = plan(json);
    EXPECT_TRUE(report_.ok()) << report_.text();
    return connection_.sends(made, bytes);
  }
  static std::string v2(std::string tlvs = "") {
    codec::ProxyHeader header;
    header.version = 2;
    header.family = codec::ProxyFamily::V4;
    header.source = {{10, 0, 0, 1}, 1000, {}};
    header.destination = {{10, 0, 0, 2}, 2000, {}};
    header.tlvs = tlvs;
    std::string bytes;
    codec::appendProxyHeader(bytes, header);
    return bytes;
  }
  static constexpr std::string_view kV1 = "PROXY TCP4 10.0.0.1 10.0.0.2 1000 2000\r\n";
  Report report_;
  Connection connection_;
};

TEST_F(ProxyProtocolTest, itsAddressesAreTheConnections) {
  const auto step = sends("{}", std::string(kV1) + "GET");
  EXPECT_EQ(step.verdict, Verdict::Done);
  EXPECT_EQ(step.consumed, kV1.size());
  EXPECT_EQ(connection_.remote.text(), "10.0.0.1:1000");
  EXPECT_EQ(connection_.local.text(), "10.0.0.2:2000");
  EXPECT_TRUE(connection_.facts.proxied);
}

TEST_F(ProxyProtocolTest, aProxyThatSpeaksForItselfKeepsTheSockets) {
  EXPECT_EQ(sends("{}", "PROXY UNKNOWN\r\n").verdict, Verdict::Done);
  EXPECT_EQ(connection_.remote.text(), "127.0.0.1:9");
  EXPECT_FALSE(connection_.facts.proxied);
}

TEST_F(ProxyProtocolTest, withoutHeaderItEnds) {
  EXPECT_EQ(sends("{}", "GET /").verdict, Verdict::Close);
  EXPECT_EQ(sends("{}", "PROXY TCP4 nonsense\r\n").verdict, Verdict::Close);
  const auto step = sends(R"({"allowRequestsWithoutProxyProtocol": true})", "GET /");
  EXPECT_EQ(step.verdict, Verdict::Done);
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_EQ(sends(R"({"allowRequestsWithoutProxyProtocol": true})", "PROXY TCP4 x\r\n").verdict,
            Verdict::Close);
}

TEST_F(ProxyProtocolTest, versionsMayBeDisallowed) {
  const std::string no_v1 = R"({"disallowedVersions": ["V1"]})";
  EXPECT_EQ(sends(no_v1, kV1).verdict, Verdict::Close);
  EXPECT_EQ(sends(no_v1, v2()).verdict, Verdict::Done);
  const std::string lenient =
      R"({"disallowedVersions": ["V1"], "allowRequestsWithoutProxyProtocol": true})";
  EXPECT_EQ(sends(lenient, kV1).consumed, 0u);  // as if it were no header
  plan(R"({"disallowedVersions": ["V1", "V2"]})");
  EXPECT_FALSE(report_.ok());
}

TEST_F(ProxyProtocolTest, tlvsBecomeMetadata) {
  std::string tlvs;
  codec::appendProxyTlv(tlvs, 0xEA, "vpce-\xff");
  codec::appendProxyTlv(tlvs, 0x05, "\x00\x01"s);
  codec::appendProxyTlv(tlvs, 0x02, "name");
  sends(R"({"rules": [
              {"tlvType": 234, "onTlvPresent": {"key": "vpce"}},
              {"tlvType": 5, "onTlvPresent": {"metadataNamespace": "n", "key": "id",
                                              "valueStringEncoding": "BASE64"}}],
            "passThroughTlvs": {"matchType": "INCLUDE", "tlvType": [2]}})",
        v2(tlvs));
  const auto& metadata = connection_.facts.metadata;
  ASSERT_NE(metadata.find(ProxyProtocolPlan::kSpace, "vpce"), nullptr);
  EXPECT_EQ(*metadata.find(ProxyProtocolPlan::kSpace, "vpce"), "vpce-!");
  EXPECT_EQ(*metadata.find("n", "id"), "AAE=");
  EXPECT_EQ(connection_.facts.proxy_tlvs, "\x02\x00\x04name"s);
}

TEST_F(ProxyProtocolTest, whatIsRefused) {
  for (const char* json : {R"({"tlvLocation": "FILTER_STATE"})", R"({"rules": [{"tlvType": 256}]})",
                           R"({"rules": [{"tlvType": 1, "onTlvPresent": {}}]})",
                           R"({"passThroughTlvs": {"matchType": "INCLUDE", "tlvType": [256]}})"}) {
    report_ = {};
    plan(json);
    EXPECT_FALSE(report_.ok()) << json;
  }
}

TEST(TlvText, onlyWholeCharactersStay) {
  EXPECT_EQ(printableOf("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"),
            "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
  EXPECT_EQ(printableOf("\xc3"), "!");
  EXPECT_EQ(printableOf("\xc0\x80"), "!!");       // overlong
  EXPECT_EQ(printableOf("\xed\xa0\x80"), "!!!");  // surrogate
  EXPECT_EQ(printableOf("\xf4\x90\x80\x80"), "!!!!");
  EXPECT_EQ(base64Of(""), "");
  EXPECT_EQ(base64Of("f"), "Zg==");
  EXPECT_EQ(base64Of("fo"), "Zm8=");
  EXPECT_EQ(base64Of("foobar"), "Zm9vYmFy");
}

TEST(TlsInspector, notesWhatTheHelloAsks) {
  const TlsInspectorPlan plan(StatScope(), codec::HelloReader::kMaxSize, false);
  Connection tls;
  const auto step =
      tls.sends(plan, codec::inRecords(codec::helloMessage(codec::serverNameBytes("A.com") +
                                                           codec::alpnBytes({"h2"}))));
  EXPECT_EQ(step.verdict, Verdict::Done);
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_EQ(tls.facts.transport_protocol, "tls");
  EXPECT_EQ(tls.facts.server_name, "a.com");
  EXPECT_EQ(tls.facts.application_protocols, std::vector<std::string>{"h2"});
  Connection plain;
  EXPECT_EQ(plain.sends(plan, "GET / HTTP/1.1\r\n").verdict, Verdict::Done);
  EXPECT_EQ(plain.facts.transport_protocol, "raw_buffer");
}

TEST(TlsInspector, closesWhatItIsToldTo) {
  const std::string big =
      codec::inRecords(codec::helloMessage(codec::extensionBytes(21, std::string(600, 0))));
  EXPECT_EQ(Connection().sends(TlsInspectorPlan(StatScope(), 256, false), big).verdict,
            Verdict::Close);
  EXPECT_EQ(Connection().sends(TlsInspectorPlan(StatScope(), 1024, true), "GET /").verdict,
            Verdict::Close);
}

TEST(HttpInspector, notesTheVersion) {
  const HttpInspectorPlan plan{StatScope()};
  for (const auto& [bytes, name] :
       {std::pair("GET / HTTP/1.1\r\n", "http/1.1"), std::pair("GET / HTTP/1.0\r\n", "http/1.0"),
        std::pair("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "h2c")}) {
    Connection connection;
    EXPECT_EQ(connection.sends(plan, bytes).verdict, Verdict::Done);
    EXPECT_EQ(connection.facts.application_protocols, std::vector<std::string>{name});
  }
  Connection other;
  EXPECT_EQ(other.sends(plan, "*1\r\n").verdict, Verdict::Done);
  EXPECT_TRUE(other.facts.application_protocols.empty());
}

TEST(HttpInspector, leavesTlsAlone) {
  const HttpInspectorPlan plan{StatScope()};
  Connection tls;
  tls.facts.transport_protocol = "tls";
  EXPECT_EQ(plan.start()->onBytes({}, tls.about).verdict, Verdict::Done);
}

TEST(PortPredicate, combines) {
  const auto matches = [](const std::string& json, uint16_t port) {
    Report report;
    const auto made = PortPredicate::from(
        proto<envoy::config::listener::v3::ListenerFilterChainMatchPredicate>(json), Where(report));
    EXPECT_TRUE(report.ok()) << report.text();
    return made.matches(port);
  };
  const std::string range = R"({"destinationPortRange": {"start": 80, "end": 82}})";
  EXPECT_TRUE(matches(range, 80));
  EXPECT_TRUE(matches(range, 81));
  EXPECT_FALSE(matches(range, 82));
  EXPECT_FALSE(matches(range, 0));
  EXPECT_TRUE(matches(R"({"anyMatch": true})", 1));
  EXPECT_TRUE(matches(R"({"notMatch": )" + range + "}", 443));
  const std::string other = R"({"destinationPortRange": {"start": 81, "end": 90}})";
  EXPECT_TRUE(matches(R"({"andMatch": {"rules": [)" + range + "," + other + "]}}", 81));
  EXPECT_FALSE(matches(R"({"andMatch": {"rules": [)" + range + "," + other + "]}}", 80));
  EXPECT_TRUE(matches(R"({"orMatch": {"rules": [)" + range + "," + other + "]}}", 85));
}

}  // namespace
}  // namespace weir::listener
