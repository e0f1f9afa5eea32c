#include "source/router/domains.h"

#include <gtest/gtest.h>

namespace weir::router {
namespace {

TEST(Domains, ADuplicateNamesItsOwnerWhateverItsCase) {
  Domains domains;
  EXPECT_EQ(domains.add("a.com", 0), Domains::kNone);
  EXPECT_EQ(domains.add("A.COM", 1), 0u);
  EXPECT_EQ(domains.add("*.a.com", 2), Domains::kNone);
  EXPECT_EQ(domains.add("*.A.com", 3), 2u);
  EXPECT_EQ(domains.add("a.*", 4), Domains::kNone);
  EXPECT_EQ(domains.add("a.*", 5), 4u);
  EXPECT_EQ(domains.add("*", 6), Domains::kNone);
  EXPECT_EQ(domains.add("*", 7), 6u);
  EXPECT_EQ(domains.find("A.com"), 0u) << "the first owner stays";
}

TEST(Domains, HostsLongerThanTheBufferAreFoundToo) {
  Domains domains;
  const std::string longest(300, 'a');
  domains.add(longest + ".com", 1);
  domains.add("*.org", 2);
  EXPECT_EQ(domains.find(std::string(300, 'A') + ".COM"), 1u);
  EXPECT_EQ(domains.find(longest + ".ORG"), 2u);
  EXPECT_EQ(domains.find(longest), Domains::kNone);
}

TEST(Domains, AThousandHostsKeepApart) {
  Domains domains;
  for (uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(domains.add("host-" + std::to_string(i) + ".com", 3 * i), Domains::kNone);
    EXPECT_EQ(domains.add("*.zone-" + std::to_string(i) + ".com", 3 * i + 1), Domains::kNone);
    EXPECT_EQ(domains.add("name-" + std::to_string(i) + ".*", 3 * i + 2), Domains::kNone);
  }
  for (uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(domains.find("Host-" + std::to_string(i) + ".com"), 3 * i);
    EXPECT_EQ(domains.find("x.zone-" + std::to_string(i) + ".com"), 3 * i + 1);
    EXPECT_EQ(domains.find("name-" + std::to_string(i) + ".x"), 3 * i + 2);
  }
}

TEST(WithoutPort, KnowsBrackets) {
  EXPECT_EQ(withoutPort("a:80"), "a");
  EXPECT_EQ(withoutPort("a"), "a");
  EXPECT_EQ(withoutPort("[::1]:80"), "[::1]");
  EXPECT_EQ(withoutPort("[::1]"), "[::1]");
  EXPECT_EQ(withoutPort(""), "");
}

}  // namespace
}  // namespace weir::router
