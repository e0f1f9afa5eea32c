#include "weir/ip_range.h"

#include <gtest/gtest.h>

#include "envoy/config/core/v3/address.pb.h"

namespace weir {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, masksAnyNumberOfBits) {
  EXPECT_EQ(ip("10.1.2.3").masked(32), ip("10.1.2.3"));
  EXPECT_EQ(ip("10.1.2.3").masked(24), ip("10.1.2.0"));
  EXPECT_EQ(ip("10.1.255.3").masked(20), ip("10.1.240.0"));
  EXPECT_EQ(ip("10.1.2.3").masked(0), ip("0.0.0.0"));
  EXPECT_EQ(ip("2001:db8:ffff::1").masked(33), ip("2001:db8:8000::"));
  EXPECT_EQ(ip("2001:db8::1").masked(128), ip("2001:db8::1"));
}

TEST(IpAddress, theSameWhateverItWasMadeFrom) {
  in_addr v4{htonl(0x0a010203)};
  EXPECT_EQ(IpAddress::of(v4), ip("10.1.2.3"));
  EXPECT_EQ(IpAddress::of(in6addr_loopback), ip("::1"));
  EXPECT_NE(ip("0.0.0.0"), ip("::"));
}

TEST(IpAddress, refusesPortsBracketsAndZones) {
  for (const char* text : {"", "1.2.3.4:80", "[::1]", "fe80::1%eth0", "01.2.3.4", "1.2.3"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(IpRanges, sayWhereTheyAreWrong) {
  google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange> protos;
  protos.Add()->set_address_prefix("10.0.0.0");
  auto* wrong = protos.Add();
  wrong->set_address_prefix("10.0.0.0");
  wrong->mutable_prefix_len()->set_value(33);
  const auto ranges = IpRanges::from(protos, "ranges");
  ASSERT_FALSE(ranges);
  EXPECT_EQ(ranges.error().field, "ranges[1].prefix_len");
}

TEST(IpRanges, containTheirOwnFamilyOnly) {
  google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange> protos;
  protos.Add()->set_address_prefix("::");
  const auto ranges = IpRanges::from(protos, "ranges");
  ASSERT_TRUE(ranges);
  EXPECT_TRUE(ranges->contains(ip("::1")));
  EXPECT_FALSE(ranges->contains(ip("127.0.0.1")));
}

}  // namespace
}  // namespace weir
