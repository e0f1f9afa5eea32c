#include "source/net/address.h"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

TEST(Address, FormatsBothFamiliesAndPaths) {
  EXPECT_EQ(Address::ip("127.0.0.1", 80)->text(), "127.0.0.1:80");
  EXPECT_EQ(Address::ip("::1", 80)->text(), "[::1]:80");
  EXPECT_EQ(Address::ip("[::1]", 80)->ipText(), "::1");
  EXPECT_EQ(Address::unixPath("/run/x.sock")->text(), "/run/x.sock");
}

TEST(Address, RefusesNamesAndLongPaths) {
  EXPECT_FALSE(Address::ip("localhost", 80));
  EXPECT_FALSE(Address::ip("1.2.3", 80));
  EXPECT_FALSE(Address::unixPath(std::string(108, 'a')));
  EXPECT_FALSE(Address::unixPath(""));
}

TEST(Address, KnowsInternalRanges) {
  for (const char* ip :
       {"10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1", "127.0.0.2", "fd00::1", "::1"}) {
    EXPECT_TRUE(Address::ip(ip, 0)->isPrivate()) << ip;
  }
  for (const char* ip : {"11.1.2.3", "172.32.0.1", "8.8.8.8", "2001:db8::1"}) {
    EXPECT_FALSE(Address::ip(ip, 0)->isPrivate()) << ip;
  }
}

TEST(Address, AV4ClientOfADualStackSocketIsAV4Client) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(99);
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  mapped.sin6_addr.s6_addr[12] = 9;
  mapped.sin6_addr.s6_addr[15] = 7;
  const Address address = Address::from(reinterpret_cast<sockaddr*>(&mapped), sizeof mapped);
  EXPECT_EQ(address.text(), "9.0.0.7:99");
}

}  // namespace
}  // namespace weir::net
