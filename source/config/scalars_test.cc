#include "source/config/scalars.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace weir::config {
namespace {

Node plain(std::string text) {
  Node node;
  node.kind = Node::Kind::Scalar;
  node.text = std::move(text);
  return node;
}

Node quoted(std::string text) {
  Node node = plain(std::move(text));
  node.quoted = true;
  return node;
}

TEST(Bool, HasTheYamlFormsOnlyWhenUnquoted) {
  for (const auto* yes :
       {"true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"}) {
    EXPECT_EQ(readBool(plain(yes)), true) << yes;
  }
  for (const auto* no : {"false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "OFF"}) {
    EXPECT_EQ(readBool(plain(no)), false) << no;
  }
  for (const auto* text : {"", "yEs", "tRUE", "1", "0", "truee", "o"}) {
    EXPECT_EQ(readBool(plain(text)), std::nullopt) << text;
  }
  EXPECT_EQ(readBool(quoted("true")), true);
  EXPECT_EQ(readBool(quoted("yes")), std::nullopt);
  EXPECT_EQ(readBool(quoted("TRUE")), std::nullopt);
}

TEST(Int, TakesDecimalAndWholeFractions) {
  constexpr auto kMin = std::numeric_limits<int64_t>::min();
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(readInt(plain("9223372036854775807"), kMin, kMax), kMax);
  EXPECT_EQ(readInt(plain("-9223372036854775808"), kMin, kMax), kMin);
  EXPECT_EQ(readInt(plain("-9223372036854775809"), kMin, kMax), std::nullopt);
  EXPECT_EQ(readInt(quoted("-5"), -5, 5), -5);
  EXPECT_EQ(readInt(quoted("-6"), -5, 5), std::nullopt);
  EXPECT_EQ(readInt(plain("1e3"), kMin, kMax), 1000);
  EXPECT_EQ(readInt(plain("-2.0"), kMin, kMax), -2);
  EXPECT_EQ(readInt(plain("-0"), kMin, kMax), 0);
  for (const auto* text :
       {"", "-", "+-1", "1.5", "1e400", "1e19", "1_000", " 1", "1 ", "nan", "e3"}) {
    EXPECT_EQ(readInt(plain(text), kMin, kMax), std::nullopt) << text;
  }
}

TEST(Int, ReadsOtherBasesOnlyWhenUnquoted) {
  EXPECT_EQ(readUint(plain("0644"), 1000), 420u);
  EXPECT_EQ(readUint(plain("0o17"), 1000), 15u);
  EXPECT_EQ(readUint(plain("0x1F"), 1000), 31u);
  EXPECT_EQ(readUint(plain("089"), 1000), std::nullopt);
  EXPECT_EQ(readUint(quoted("0644"), 1000), 644u);
  EXPECT_EQ(readUint(quoted("0x1F"), 1000), std::nullopt);
  EXPECT_EQ(readUint(plain("+7"), 1000), 7u);
  EXPECT_EQ(readUint(quoted("+7"), 1000), std::nullopt);
  EXPECT_EQ(readUint(plain("-0"), 1000), 0u);
  EXPECT_EQ(readUint(plain("-1"), 1000), std::nullopt);
  EXPECT_EQ(readUint(plain("18446744073709551615"), UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(readUint(plain("18446744073709551616"), UINT64_MAX), std::nullopt);
}

TEST(Double, TakesTheSpecialValues) {
  EXPECT_EQ(readDouble(plain("1.5e-3")), 0.0015);
  EXPECT_EQ(readDouble(plain(".5")), 0.5);
  EXPECT_EQ(readDouble(plain("-2")), -2.0);
  EXPECT_EQ(readDouble(plain("0x10")), 16.0);
  EXPECT_EQ(readDouble(quoted("-Infinity")), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(readDouble(plain(".inf")), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*readDouble(quoted("NaN"))));
  EXPECT_TRUE(std::isnan(*readDouble(plain(".nan"))));
  for (const auto* text : {"", "inf", "nan", "1e400", "1.2.3", "--1", "1f"}) {
    EXPECT_EQ(readDouble(plain(text)), std::nullopt) << text;
  }
  EXPECT_EQ(readFloat(plain("3.4e38")), 3.4e38F);
  EXPECT_EQ(readFloat(plain("3.5e38")), std::nullopt);
  EXPECT_EQ(readFloat(plain(".inf")), std::numeric_limits<float>::infinity());
}

// RFC 4648 §10
TEST(Base64, TakesBothAlphabetsAndNeedsNoPadding) {
  EXPECT_EQ(readBase64(""), "");
  EXPECT_EQ(readBase64("Zg=="), "f");
  EXPECT_EQ(readBase64("Zg"), "f");
  EXPECT_EQ(readBase64("Zm8="), "fo");
  EXPECT_EQ(readBase64("Zm9vYmFy"), "foobar");
  EXPECT_EQ(readBase64("-_-_"), readBase64("+/+/"));
  for (const auto* text : {"Z", "Zg=", "Z===", "Zm9v====", "Zm 9v", "Z=g="}) {
    EXPECT_EQ(readBase64(text), std::nullopt) << text;
  }
}

TEST(Duration, HasSecondsAndOtherUnits) {
  EXPECT_EQ(readDuration("1.5s"), (Seconds{1, 500'000'000}));
  EXPECT_EQ(readDuration("0s"), (Seconds{0, 0}));
  EXPECT_EQ(readDuration("-0.25s"), (Seconds{0, -250'000'000}));
  EXPECT_EQ(readDuration("-3.5s"), (Seconds{-3, -500'000'000}));
  EXPECT_EQ(readDuration("250ms"), (Seconds{0, 250'000'000}));
  EXPECT_EQ(readDuration("1.5ms"), (Seconds{0, 1'500'000}));
  EXPECT_EQ(readDuration("7us"), (Seconds{0, 7'000}));
  EXPECT_EQ(readDuration("9ns"), (Seconds{0, 9}));
  EXPECT_EQ(readDuration("2m"), (Seconds{120, 0}));
  EXPECT_EQ(readDuration("1.5h"), (Seconds{5400, 0}));
  EXPECT_EQ(readDuration("0.000000001s"), (Seconds{0, 1}));
  EXPECT_EQ(readDuration("315576000000s"), (Seconds{315'576'000'000, 0}));
  for (const auto* text :
       {"", "s", "5", "1.s", ".5s", "1..5s", "5d", "5 s", "1e3s", "--1s", "315576000001s",
        "87660001h", "99999999999999999999s", "1.5ns", "0.1000000000s"}) {
    EXPECT_EQ(readDuration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weir::config
