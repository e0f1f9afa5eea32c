#include "source/stream/request_id.h"

#include <gtest/gtest.h>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/request_id/uuid/v3/uuid.pb.h"
#include "source/stream/date_text.h"

namespace weir::stream {
namespace {

using Hcm = RequestIdPolicy::Hcm;

constexpr std::array<uint64_t, 2> kRandom = {0x0123456789abcdef, 0xfedcba9876543210};
constexpr std::string_view kMade = "01234567-89ab-4def-bedc-ba9876543210";

class RequestIdTest : public ::testing::Test {
 protected:
  RequestIdPolicy policy(const Hcm& proto) {
    auto made = RequestIdPolicy::from(proto);
    EXPECT_TRUE(made);
    return *made;
  }
  std::string_view apply(const RequestIdPolicy& policy, bool is_edge) {
    return policy.apply(head_, is_edge, kRandom, arena_);
  }
  void bring(std::string_view id) { head_.fields.add(HeaderId::XRequestId, id); }
  std::string_view field() { return head_.fields.get(HeaderId::XRequestId).value_or("none"); }

  ChunkPool pool_;
  Arena arena_{pool_};
  RequestHead head_{arena_};
};

TEST_F(RequestIdTest, Uuid_HasVersionFourAndItsVariantWhateverTheRandomBits_Rfc9562_5_4) {
  EXPECT_EQ(makeUuid({0, 0}, arena_), "00000000-0000-4000-8000-000000000000");
  EXPECT_EQ(makeUuid({~0ull, ~0ull}, arena_), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  EXPECT_EQ(makeUuid(kRandom, arena_), kMade);
}

TEST_F(RequestIdTest, NewIdWhenThereIsNone) {
  EXPECT_EQ(apply(policy({}), false), kMade);
  EXPECT_EQ(field(), kMade);
}

TEST_F(RequestIdTest, EmptyIdIsNone) {
  bring("");
  EXPECT_EQ(apply(policy({}), false), kMade);
  EXPECT_EQ(head_.fields.size(), 1u);
}

TEST_F(RequestIdTest, IdOfATrustedPeerIsKept) {
  bring("abc");
  EXPECT_EQ(apply(policy({}), false), "abc");
  EXPECT_EQ(field(), "abc");
}

TEST_F(RequestIdTest, EdgeRequestMayNotChooseItsId) {
  bring("abc");
  bring("def");
  EXPECT_EQ(apply(policy({}), true), kMade);
  EXPECT_EQ(field(), kMade);
  EXPECT_EQ(head_.fields.size(), 1u);
}

TEST_F(RequestIdTest, PreserveExternalKeepsTheIdOfAnEdgeRequest) {
  Hcm proto;
  proto.set_preserve_external_request_id(true);
  bring("abc");
  EXPECT_EQ(apply(policy(proto), true), "abc");
}

TEST_F(RequestIdTest, PreserveExternalStillMakesOneWhereThereIsNone) {
  Hcm proto;
  proto.set_preserve_external_request_id(true);
  EXPECT_EQ(apply(policy(proto), true), kMade);
}

TEST_F(RequestIdTest, WithoutGenerationNothingIsTouched) {
  Hcm proto;
  proto.mutable_generate_request_id()->set_value(false);
  EXPECT_EQ(apply(policy(proto), true), "");
  EXPECT_EQ(field(), "none");
  bring("abc");
  EXPECT_EQ(apply(policy(proto), true), "abc");
}

TEST_F(RequestIdTest, EnvoysUuidExtensionIsAccepted) {
  Hcm proto;
  envoy::extensions::request_id::uuid::v3::UuidRequestIdConfig uuid;
  proto.mutable_request_id_extension()->mutable_typed_config()->PackFrom(uuid);
  EXPECT_TRUE(RequestIdPolicy::from(proto));
}

TEST_F(RequestIdTest, OtherExtensionsAreRefusedByName) {
  Hcm proto;
  proto.mutable_request_id_extension()->mutable_typed_config()->set_type_url("t/acme.Ids");
  const auto made = RequestIdPolicy::from(proto);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().field, "request_id_extension.typed_config");
  EXPECT_NE(made.error().text.find("acme.Ids"), std::string::npos);
}

TEST(DateText, IsAnImfFixdate_Rfc9110_5_6_7) {
  DateText date;
  const auto at = [&](int64_t seconds) {
    return date.at(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
  };
  EXPECT_EQ(at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");  // the RFC's example
  EXPECT_EQ(at(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(at(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(at(4107542399), "Sun, 28 Feb 2100 23:59:59 GMT");
  EXPECT_EQ(at(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST(DateText, ChangesWithTheSecondOnly) {
  using namespace std::chrono_literals;
  DateText date;
  const std::chrono::system_clock::time_point start(1000s);
  EXPECT_EQ(date.at(start), "Thu, 01 Jan 1970 00:16:40 GMT");
  EXPECT_EQ(date.at(start + 999ms), "Thu, 01 Jan 1970 00:16:40 GMT");
  EXPECT_EQ(date.at(start + 1s), "Thu, 01 Jan 1970 00:16:41 GMT");
  EXPECT_EQ(date.at(start), "Thu, 01 Jan 1970 00:16:40 GMT");
}

}  // namespace
}  // namespace weir::stream
