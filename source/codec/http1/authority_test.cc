#include "source/codec/http1/authority.h"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

TEST(Authority, Ipv6LiteralsByTheGrammarOfRfc3986) {
  for (const char* good :
       {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "2001:DB8::a",
        "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "64:ff9b::192.0.2.33", "1::8"}) {
    EXPECT_TRUE(isIpv6(good)) << good;
  }
  for (const char* bad : {"",
                          ":",
                          ":1",
                          "1:",
                          ":::",
                          "1::2::3",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "12345::",
                          "1:2:3:4:5:6:7:8::",
                          "g::",
                          "::1%eth0",
                          "::1.2.3",
                          "::1.2.3.4.5",
                          "::256.1.1.1",
                          "1.2.3.4",
                          "::01.2.3.4",
                          "1:2:3:4:5:6:7:1.2.3.4",
                          "::1.2.3.4:5",
                          "v1.a",
                          "1:2:3:4:5:6:7::8:",
                          "::1:"}) {
    EXPECT_FALSE(isIpv6(bad)) << bad;
  }
}

TEST(Authority, PortIsDigitsUpTo65535) {
  EXPECT_TRUE(isAuthority("a:0"));
  EXPECT_TRUE(isAuthority("a:00080"));
  EXPECT_TRUE(isAuthority("a:")) << "RFC 3986 §3.2.3: the digits may be missing";
  EXPECT_FALSE(isAuthority("a:", Port::Required));
  EXPECT_FALSE(isAuthority("a", Port::Required));
  EXPECT_TRUE(isAuthority("[::1]:1", Port::Required));
  EXPECT_FALSE(isAuthority("a:65536"));
  EXPECT_FALSE(isAuthority("a:000080"));
  EXPECT_FALSE(isAuthority("a:1:2"));
  EXPECT_FALSE(isAuthority(":1"));
  EXPECT_FALSE(isAuthority(""));
}

TEST(Authority, OnlyTheBytesOfANameStandInOne) {
  int allowed = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("a") + static_cast<char>(byte) + "b";
    if (isAuthority(text)) ++allowed;
  }
  EXPECT_EQ(allowed, 10 + 26 + 26 + 14) << "digits, letters, -._~ and !$&'()*+;=";
  EXPECT_TRUE(isAuthority("%41"));
  EXPECT_FALSE(isAuthority("%4"));
  EXPECT_FALSE(isAuthority("%4g"));
  EXPECT_FALSE(isAuthority("[a]"));
  EXPECT_FALSE(isAuthority("a[::1]"));
}

}  // namespace
}  // namespace weir::codec
