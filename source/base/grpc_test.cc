#include "weir/grpc.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::grpc {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

class GrpcTest : public testing::Test {
 protected:
  Fields with(HeaderId id, std::string_view value) {
    Fields fields(arena_);
    fields.add(id, value);
    return fields;
  }

  ChunkPool pool_;
  Arena arena_{pool_};
};

TEST_F(GrpcTest, IsKnownByItsContentType) {
  const std::map<std::string, bool> rows = {
      {"application/grpc", true},      {"application/grpc+json", true},
      {"application/grpc+", true},     {"application/grpc;x=y", false},
      {"application/grpc-web", false}, {"application/grpc-web+proto", false},
      {"application/grpcx", false},    {"Application/gRPC", false},
      {"application/json", false},     {"", false}};
  for (const auto& [type, expected] : rows) {
    EXPECT_EQ(isGrpc(with(HeaderId::ContentType, type)), expected) << type;
  }
  EXPECT_FALSE(isGrpc(Fields(arena_)));
}

TEST_F(GrpcTest, StatusIsANumberOrUnknown) {
  EXPECT_EQ(statusIn(Fields(arena_)), std::nullopt);
  EXPECT_EQ(statusIn(with(HeaderId::GrpcStatus, "0")), 0u);
  EXPECT_EQ(statusIn(with(HeaderId::GrpcStatus, "42")), 42u);
  for (const char* text : {"", "-1", "1x", " 1", "99999999999"}) {
    EXPECT_EQ(statusIn(with(HeaderId::GrpcStatus, text)), kUnknown) << text;
  }
}

TEST_F(GrpcTest, StatusComesFromTrailersHeadOrHttp) {
  StreamInfo info;
  info.response_code = 503;
  EXPECT_EQ(statusOf(info), 14u);
  ResponseHead head(arena_);
  info.response = &head;
  EXPECT_EQ(statusOf(info), 14u);
  head.fields.add(HeaderId::GrpcStatus, "5");
  EXPECT_EQ(statusOf(info), 5u);
  const Fields trailers = with(HeaderId::GrpcStatus, "8");
  info.response_trailers = &trailers;
  EXPECT_EQ(statusOf(info), 8u);
}

TEST_F(GrpcTest, StatusFollowsGrpcsTableOfHttp) {
  const std::map<uint16_t, uint32_t> rows = {{400, 13}, {401, 16}, {403, 7},  {404, 12},
                                             {429, 14}, {502, 14}, {503, 14}, {504, 14},
                                             {413, 2},  {500, 2},  {200, 2}};
  for (const auto& [http, status] : rows) EXPECT_EQ(statusOfHttp(http), status) << http;
}

TEST_F(GrpcTest, EveryStatusHasNamesAndAnHttpStatus) {
  const std::vector<uint16_t> http = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                      400, 409, 400, 501, 500, 503, 500, 401};
  for (uint32_t status = 0; status < http.size(); ++status) {
    EXPECT_EQ(httpStatusOf(status), http[status]) << status;
    EXPECT_FALSE(camelName(status).empty()) << status;
    EXPECT_FALSE(constantName(status).empty()) << status;
  }
  EXPECT_EQ(camelName(1), "Canceled");
  EXPECT_EQ(constantName(1), "CANCELLED");
  EXPECT_EQ(constantName(16), "UNAUTHENTICATED");
  EXPECT_EQ(camelName(17), "");
  EXPECT_EQ(constantName(17), "");
  EXPECT_EQ(httpStatusOf(17), 500);
}

TEST_F(GrpcTest, MessageIsPercentEncoded) {
  EXPECT_EQ(encodeMessage("50% \xc3\xa9\t~\x7f", arena_), "50%25 %C3%A9%09~%7F");
  EXPECT_EQ(encodeMessage("", arena_), "");
}

TEST_F(GrpcTest, TimeoutIsReadInEveryUnitAndRoundedUp) {
  const std::map<std::string, milliseconds> rows = {{"1H", hours(1)},
                                                    {"2M", milliseconds(120'000)},
                                                    {"3S", milliseconds(3000)},
                                                    {"4m", milliseconds(4)},
                                                    {"1u", milliseconds(1)},
                                                    {"1001u", milliseconds(2)},
                                                    {"1n", milliseconds(1)},
                                                    {"2000000n", milliseconds(2)},
                                                    {"0m", milliseconds(0)},
                                                    {"0n", milliseconds(0)},
                                                    {"00000007m", milliseconds(7)},
                                                    {"99999999m", milliseconds(99'999'999)},
                                                    {"99999999H", kLongest},
                                                    {"99999999M", kLongest},
                                                    {"99999999S", kLongest}};
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(timeoutIn(with(HeaderId::GrpcTimeout, text)), expected) << text;
  }
}

TEST_F(GrpcTest, WhatIsNoTimeoutCountsAsNone) {
  EXPECT_EQ(timeoutIn(Fields(arena_)), std::nullopt);
  for (const char* text :
       {"", "m", "1", "1s", "-1m", "+1m", " 1m", "1 m", "1.5S", "0x1m", "123456789m", "1mm"}) {
    EXPECT_EQ(timeoutIn(with(HeaderId::GrpcTimeout, text)), std::nullopt) << text;
  }
}

TEST_F(GrpcTest, TimeoutIsWrittenInEightDigits) {
  const std::vector<std::pair<milliseconds, std::string_view>> rows = {
      {milliseconds(0), "0m"},
      {milliseconds(1500), "1500m"},
      {milliseconds(99'999'999), "99999999m"},
      {milliseconds(100'000'000), "100000S"},
      {kLongest, "99999999S"},
      {kLongest + hours(1), "99999999S"}};
  for (const auto& [timeout, text] : rows) {
    Fields fields = with(HeaderId::GrpcTimeout, "what it means is unknown");
    limitTimeout(fields, timeout);
    EXPECT_EQ(fields.get(HeaderId::GrpcTimeout), text);
    EXPECT_EQ(fields.size(), 1u);
  }
}

TEST_F(GrpcTest, TimeoutIsOnlyMadeShorter) {
  Fields fields = with(HeaderId::GrpcTimeout, "2S");
  limitTimeout(fields, milliseconds(2000));
  EXPECT_EQ(fields.get(HeaderId::GrpcTimeout), "2S");
  limitTimeout(fields, milliseconds(1999));
  EXPECT_EQ(fields.get(HeaderId::GrpcTimeout), "1999m");
  limitTimeout(fields, milliseconds(5000));
  EXPECT_EQ(fields.get(HeaderId::GrpcTimeout), "1999m");
}

TEST_F(GrpcTest, MethodIsThePathsTwoSegments) {
  const auto method = methodOf("/a.b.C/Do?x=/y");
  ASSERT_TRUE(method);
  EXPECT_EQ(method->service, "a.b.C");
  EXPECT_EQ(method->name, "Do");
  for (const char* path : {"", "/", "/a", "/a/", "//b", "/a/b/c", "/a/b/", "a/b", "*", "/?/a/b"}) {
    EXPECT_FALSE(methodOf(path)) << path;
  }
}

std::string message(size_t size) {
  std::string text(Messages::kPrefix, '\0');
  for (size_t i = 0; i < 4; ++i) text[4 - i] = static_cast<char>(size >> (8 * i));
  return text + std::string(size, '\xff');
}

// Boundaries, as offsets, when the body comes in pieces of `piece` bytes.
std::vector<size_t> boundaries(std::string_view body, size_t piece, Messages& messages) {
  std::vector<size_t> found;
  size_t at = 0;
  for (size_t from = 0; from < body.size(); from += piece) {
    std::string_view data = body.substr(from, piece);
    while (!data.empty()) {
      const size_t taken = messages.take(data);
      at += taken;
      data.remove_prefix(taken);
      if (messages.atBoundary()) found.push_back(at);
    }
  }
  return found;
}

TEST(Messages, AreFoundHoweverTheBodyIsSplit) {
  const std::string body = message(0) + message(1) + message(300) + message(0) + message(70'000);
  const std::vector<size_t> expected = {5, 11, 316, 321, 70'326};
  for (const size_t piece : {1u, 2u, 3u, 5u, 7u, 64u, 100'000u}) {
    Messages messages;
    EXPECT_EQ(boundaries(body, piece, messages), expected) << piece;
    EXPECT_EQ(messages.begun(), 5u);
  }
}

TEST(Messages, CountFromTheirFirstByte) {
  Messages messages;
  EXPECT_TRUE(messages.atBoundary());
  EXPECT_EQ(messages.take(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(messages.begun(), 1u);
  EXPECT_FALSE(messages.atBoundary());
  EXPECT_EQ(messages.take("\xff\xff\xff\xff"), 4u);  // the longest there can be
  EXPECT_EQ(messages.take("x"), 1u);
  EXPECT_FALSE(messages.atBoundary());
  EXPECT_EQ(messages.begun(), 1u);
}

}  // namespace
}  // namespace weir::grpc
