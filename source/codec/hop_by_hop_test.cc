#include "source/codec/hop_by_hop.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::codec {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// What is left, as "name=value name=value", or the reason of a refusal.
std::string strip(const Pairs& pairs, UpgradeField upgrade = UpgradeField::Strip) {
  ChunkPool pool;
  Arena arena(pool);
  Fields fields(arena);
  for (const auto& [name, value] : pairs) fields.add(name, value);
  if (const ParseError error = stripHopByHop(fields, MessageType::Request, upgrade)) {
    return std::string(error.reason);
  }
  std::string left;
  for (const Field& field : fields) {
    left +=
        (left.empty() ? "" : " ") + std::string(field.name()) + "=" + std::string(field.value());
  }
  return left;
}

TEST(HopByHop, NothingToRemoveLeavesAllInPlace) {
  EXPECT_EQ(strip({{"a", "1"}, {"accept", "x"}, {"trailer", "y"}}), "a=1 accept=x trailer=y");
  EXPECT_EQ(strip({}), "");
}

// RFC 9110 §7.6.1.
TEST(HopByHop, ConnectionAndAllThatItListsGo) {
  EXPECT_EQ(
      strip({{"x-hop", "1"}, {"connection", "X-Hop , ,close,accept"}, {"accept", "x"}, {"b", "2"}}),
      "b=2");
  EXPECT_EQ(
      strip(
          {{"connection", "x-a"}, {"x-a", "1"}, {"x-a", "2"}, {"connection", "x-b"}, {"x-b", "3"}}),
      "");
  EXPECT_EQ(strip({{"connection", "connection, keep-alive"}, {"a", "1"}}), "a=1");
  EXPECT_EQ(strip({{"connection", ""}, {"a", "1"}}), "a=1");
}

TEST(HopByHop, KnownHopFieldsGoWithoutBeingListed) {
  EXPECT_EQ(strip({{"keep-alive", "5"},
                   {"proxy-connection", "close"},
                   {"transfer-encoding", "x"},
                   {"upgrade", "h2c"},
                   {"a", "1"}}),
            "a=1");
}

// RFC 7540 §3.2.1.
TEST(HopByHop, WhatBelongsToAnUpgradeGoesWithIt) {
  EXPECT_EQ(strip({{"upgrade", "h2c"}, {"http2-settings", "AAMAAABk"}, {"a", "1"}}), "a=1");
  EXPECT_EQ(strip({{"connection", "upgrade"}, {"http2-settings", "x"}, {"upgrade", "h2c"}}), "");
}

TEST(HopByHop, UpgradeStaysForAProtocolSwitch) {
  EXPECT_EQ(strip({{"connection", "upgrade"}, {"upgrade", "websocket"}}, UpgradeField::Keep),
            "upgrade=websocket");
}

// RFC 9110 §10.1.4.
TEST(HopByHop, OfTeOnlyTrailersPasses) {
  EXPECT_EQ(strip({{"te", "trailers"}}), "te=trailers");
  EXPECT_EQ(strip({{"connection", "te"}, {"te", "gzip;q=0.5, Trailers"}}), "te=trailers");
  EXPECT_EQ(strip({{"te", "gzip"}, {"a", "1"}}), "a=1");
  EXPECT_EQ(strip({{"te", "gzip"}, {"te", "trailers"}}), "te=trailers");
  EXPECT_EQ(strip({{"te", "trailers"}, {"te", "gzip"}}), "te=trailers");
}

TEST(HopByHop, ListingWhatFramingOrIdentityRestOnIsRefused) {
  for (const char* name : {"content-length", "Content-Length", "host", "x-forwarded-for",
                           "X-Forwarded-Proto", "forwarded", "via", "authorization", "cookie"}) {
    EXPECT_EQ(strip({{"connection", std::string("close, ") + name}}),
              "http1.connection_header_rejected")
        << name;
  }
  std::string many = "a";
  for (int i = 0; i < 31; ++i) many += ",b" + std::to_string(i);
  EXPECT_EQ(strip({{"connection", many}, {"c", "1"}}), "c=1");
  EXPECT_EQ(strip({{"connection", many + ",x"}}), "http1.connection_header_rejected");
}

}  // namespace
}  // namespace weir::codec
