#include <gtest/gtest.h>

#include "source/cluster/planned.h"
#include "source/cluster/proxy_header_settings.h"
#include "source/transport/connection_facts.h"

namespace weir::cluster {
namespace {

Planned withTransport(const std::string& config, const std::string& more = "") {
  return planWith(R"("transport_socket": {"name": "p", "typed_config": {"@type":
      "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
      "transport_socket": {"name": "envoy.transport_sockets.raw_buffer"},
      "config": )" +
                  config + "}}" + more);
}

transport::Accepted client(const char* remote, const char* local) {
  return {*net::Address::ip(remote, 1000), *net::Address::ip(local, 2000), 1, {}};
}

std::string headerOf(const Planned& planned, const transport::Accepted& of) {
  std::string header;
  planned.plan.value().settings.proxy_header->append(header, of);
  return header;
}

TEST(PlanProxyHeader, bothVersions) {
  const auto of = client("192.0.2.7", "10.0.0.1");
  EXPECT_EQ(headerOf(withTransport("{}"), of), "PROXY TCP4 192.0.2.7 10.0.0.1 1000 2000\r\n");
  const auto parse = codec::parseProxyHeader(headerOf(withTransport(R"({"version": "V2"})"), of));
  EXPECT_EQ(parse.version, 2);
  EXPECT_EQ(parse.header.source.port, 1000);
}

TEST(PlanProxyHeader, mixedFamiliesAreWrittenAsIPv6) {
  EXPECT_EQ(headerOf(withTransport("{}"), client("192.0.2.7", "::1")),
            "PROXY TCP6 ::ffff:192.0.2.7 ::1 1000 2000\r\n");
}

TEST(PlanProxyHeader, pathsAreNobodysBusiness) {
  transport::Accepted of = client("192.0.2.7", "10.0.0.1");
  of.local = *net::Address::unixPath("/run/weir.sock");
  EXPECT_EQ(headerOf(withTransport("{}"), of), "PROXY UNKNOWN\r\n");
}

TEST(PlanProxyHeader, onlyNamedTlvsArePassedOn) {
  auto facts = std::make_shared<transport::ConnectionFacts>();
  codec::appendProxyTlv(facts->proxy_tlvs, 1, "one");
  codec::appendProxyTlv(facts->proxy_tlvs, 2, "two");
  transport::Accepted of = client("192.0.2.7", "10.0.0.1");
  of.facts = facts;
  const auto tlvs = [&](const std::string& config) {
    const std::string header = headerOf(withTransport(config), of);
    return std::string(codec::parseProxyHeader(header).header.tlvs);
  };
  EXPECT_EQ(tlvs(R"({"version": "V2"})"), "");
  EXPECT_EQ(tlvs(R"({"version": "V2", "pass_through_tlvs": {"match_type": "INCLUDE",
                     "tlv_type": [2]}})"),
            std::string("\2\0\3two", 6));
  EXPECT_EQ(tlvs(R"({"version": "V2", "pass_through_tlvs": {}})"), facts->proxy_tlvs);
  EXPECT_EQ(tlvs(R"({"version": "V2", "added_tlvs": [{"type": 9, "value": "bmluZQ=="}]})"),
            std::string("\11\0\4nine", 7));
}

TEST(PlanProxyHeader, whatIsRefused) {
  const std::string at = "transport_socket.typed_config.";
  EXPECT_EQ(withTransport(R"({"pass_through_tlvs": {"match_type": "INCLUDE", "tlv_type": [256]}})")
                .errors(),
            Paths{at + "config.pass_through_tlvs.tlv_type[0]"});
  EXPECT_EQ(withTransport(R"({"added_tlvs": [{"type": 256}]})").errors(),
            Paths{at + "config.added_tlvs[0].type"});
  EXPECT_EQ(withTransport("{}").warnings(), Paths{"transport_socket.typed_config"});
}

}  // namespace
}  // namespace weir::cluster
