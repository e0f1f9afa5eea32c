#include "source/codec/opening/proxy_header.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace weir::codec {
namespace {

using Kind = ProxyParse::Kind;
using std::string_literals::operator""s;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string text(const ProxyEnd& end, int family) {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(family, end.ip.data(), buffer, sizeof buffer) + ":"s + std::to_string(end.port);
}

std::string v2(char command, char protocol, const std::string& body) {
  std::string bytes = kSignature + command + protocol;
  bytes.push_back(static_cast<char>(body.size() >> 8));
  bytes.push_back(static_cast<char>(body.size()));
  return bytes + body;
}

const std::string kV4Body = "\x0a\x00\x00\x01\x0a\x00\x00\x02\x30\x39\x00\x50"s;

TEST(ProxyHeader, version1) {
  const auto parse = parseProxyHeader("PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\nGET");
  ASSERT_EQ(parse.kind, Kind::Found);
  EXPECT_EQ(parse.version, 1);
  EXPECT_EQ(parse.size, 39u);
  EXPECT_EQ(text(parse.header.source, AF_INET), "10.0.0.1:12345");
  EXPECT_EQ(text(parse.header.destination, AF_INET), "10.0.0.2:80");
  const auto v6 = parseProxyHeader("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  ASSERT_EQ(v6.kind, Kind::Found);
  EXPECT_EQ(v6.header.family, ProxyFamily::V6);
  EXPECT_EQ(text(v6.header.source, AF_INET6), "2001:db8::1:1");
}

TEST(ProxyHeader, version1Unknown) {
  for (const char* line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"}) {
    const auto parse = parseProxyHeader(line);
    ASSERT_EQ(parse.kind, Kind::Found) << line;
    EXPECT_TRUE(parse.header.local);
    EXPECT_EQ(parse.size, std::string_view(line).size());
  }
}

TEST(ProxyHeader, version1IsStrict) {
  for (const char* line :
       {"PROXY TCP4 10.0.0.1 10.0.0.2 12345 65536\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 1 02\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n",
        "PROXY TCP4 10.0.0.1  10.0.0.2 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 10.0.0.1 10.0.0.2 1 2\r\n", "PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n",
        "PROXY UDP4 10.0.0.1 10.0.0.2 1 2\r\n", "PROXY \r\n", "PROXY TCP4\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n", "PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n",
        "PROXY TCP4 10.0.0.1 10.0.0.2 1 -2\r\n", "PROXY TCP4 10.0.0.1 10.0.0.2 +1 2\r\n"}) {
    EXPECT_EQ(parseProxyHeader(line).kind, Kind::Bad) << line;
    EXPECT_EQ(parseProxyHeader(line).version, 1) << line;
  }
  EXPECT_EQ(parseProxyHeader("PROXY UNKNOWN " + std::string(93, 'x')).kind, Kind::Bad);
  EXPECT_EQ(parseProxyHeader("PROXY UNKNOWN a\nb\r\n").kind, Kind::Bad);
  EXPECT_EQ(parseProxyHeader("PROXY TCP6 ::1\0x ::1 1 2\r\n"s).kind, Kind::Bad);
}

TEST(ProxyHeader, version2) {
  const auto parse = parseProxyHeader(v2(0x21, 0x11, kV4Body) + "rest");
  ASSERT_EQ(parse.kind, Kind::Found);
  EXPECT_EQ(parse.version, 2);
  EXPECT_EQ(parse.size, 28u);
  EXPECT_EQ(text(parse.header.source, AF_INET), "10.0.0.1:12345");
  EXPECT_EQ(text(parse.header.destination, AF_INET), "10.0.0.2:80");
  const std::string v6(32, '\1');
  const auto six = parseProxyHeader(v2(0x21, 0x21, v6 + "\x00\x01\x00\x02"s));
  ASSERT_EQ(six.kind, Kind::Found);
  EXPECT_EQ(six.header.destination.port, 2);
}

TEST(ProxyHeader, version2Local) {
  for (const std::string& bytes : {v2(0x20, 0x00, ""), v2(0x20, 0x11, kV4Body),
                                   v2(0x21, 0x00, "anything"), v2(0x20, 0x77, "x")}) {
    const auto parse = parseProxyHeader(bytes);
    ASSERT_EQ(parse.kind, Kind::Found);
    EXPECT_TRUE(parse.header.local);
    EXPECT_EQ(parse.size, bytes.size());
  }
}

TEST(ProxyHeader, version2Unix) {
  std::string body = "/run/a.sock" + std::string(97, '\0') + "\0abstract"s + std::string(99, '\0');
  ASSERT_EQ(body.size(), 216u);
  const std::string bytes = v2(0x21, 0x31, body);  // the paths are views into it
  const auto parse = parseProxyHeader(bytes);
  ASSERT_EQ(parse.kind, Kind::Found);
  EXPECT_EQ(parse.header.source.path, "/run/a.sock");
  EXPECT_EQ(parse.header.destination.path, "\0abstract"s);
}

TEST(ProxyHeader, version2Tlvs) {
  std::string tlvs;
  appendProxyTlv(tlvs, 0xEA, "vpce-1");
  appendProxyTlv(tlvs, 0x02, "");
  const std::string bytes = v2(0x21, 0x11, kV4Body + tlvs);
  std::string_view rest = parseProxyHeader(bytes).header.tlvs;
  ASSERT_EQ(rest, tlvs);
  const ProxyTlv first = takeProxyTlv(rest);
  EXPECT_EQ(first.type, 0xEA);
  EXPECT_EQ(first.value, "vpce-1");
  const ProxyTlv second = takeProxyTlv(rest);
  EXPECT_EQ(second.type, 2);
  EXPECT_TRUE(second.value.empty() && rest.empty());
}

TEST(ProxyHeader, version2IsStrict) {
  EXPECT_EQ(parseProxyHeader(v2(0x31, 0x11, kV4Body)).kind, Kind::Bad);  // version 3
  EXPECT_EQ(parseProxyHeader(v2(0x22, 0x11, kV4Body)).kind, Kind::Bad);  // no such command
  EXPECT_EQ(parseProxyHeader(v2(0x21, 0x12, kV4Body)).kind, Kind::Bad);  // datagrams
  EXPECT_EQ(parseProxyHeader(v2(0x21, 0x41, kV4Body)).kind, Kind::Bad);
  EXPECT_EQ(parseProxyHeader(v2(0x21, 0x21, kV4Body)).kind, Kind::Bad);  // too short
  EXPECT_EQ(parseProxyHeader(v2(0x21, 0x11, kV4Body + "\x01")).kind, Kind::Bad);
  EXPECT_EQ(parseProxyHeader(v2(0x21, 0x11, kV4Body + "\x01\x00\x02x"s)).kind, Kind::Bad);
}

TEST(ProxyHeader, everyPieceNeedsMore) {
  for (const std::string& bytes :
       {"PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\n"s, v2(0x21, 0x11, kV4Body + "\x04\x00\x01x"s)}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(parseProxyHeader(bytes.substr(0, size)).kind, Kind::NeedMore) << size;
    }
    EXPECT_EQ(parseProxyHeader(bytes).kind, Kind::Found);
  }
}

TEST(ProxyHeader, otherBytesAreNoHeader) {
  for (const char* bytes : {"G", "PROXX", "PROXY\r", "\r\n\r\nGET", "proxy "}) {
    EXPECT_EQ(parseProxyHeader(bytes).kind, Kind::NotProxy) << bytes;
  }
}

TEST(ProxyHeader, whatIsWrittenIsRead) {
  std::string tlvs;
  appendProxyTlv(tlvs, 0x30, "zone");
  for (const std::string& bytes :
       {"PROXY TCP4 10.0.0.1 10.0.0.2 12345 80\r\n"s, "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"s,
        "PROXY UNKNOWN\r\n"s, v2(0x21, 0x11, kV4Body + tlvs), v2(0x20, 0x00, ""),
        v2(0x21, 0x31, "/run/a.sock" + std::string(97, '\0') + "/b" + std::string(106, '\0'))}) {
    const auto parse = parseProxyHeader(bytes);
    ASSERT_EQ(parse.kind, Kind::Found);
    std::string again;
    appendProxyHeader(again, parse.header);
    EXPECT_EQ(again, bytes);
  }
}

}  // namespace
}  // namespace weir::codec
