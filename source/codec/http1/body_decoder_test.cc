#include "source/codec/http1/body_decoder.h"

#include <gtest/gtest.h>

#include "source/codec/http1/decoded.h"
#include "source/codec/http1/test_rows.h"

namespace weir::codec {
namespace {

TEST(BodyDecoder, TableOfChunkedBodies) {
  const auto rows = readRows("chunked.txt");
  ASSERT_GE(rows.size(), 60u);
  for (const TestRow& row : rows) {
    EXPECT_EQ(decodeBody({.body = BodyKind::Chunked}, row.bytes, {}).outcome, row.expected)
        << row.where;
  }
}

TEST(BodyDecoder, SplittingAtAnyByteChangesNothing) {
  for (const TestRow& row : readRows("chunked.txt")) {
    const Framing chunked{.body = BodyKind::Chunked};
    std::vector<size_t> ends;
    for (size_t i = 1; i < row.bytes.size(); ++i) ends.push_back(i);
    EXPECT_EQ(decodeBody(chunked, row.bytes, ends).outcome, row.expected) << row.where;
    if (row.bytes.size() > 3000) continue;
    for (size_t end : ends) {
      ASSERT_EQ(decodeBody(chunked, row.bytes, {{end}}).outcome, row.expected)
          << row.where << " at " << end;
    }
  }
}

TEST(BodyDecoder, LengthEndsAfterExactlyThatMany) {
  const Framing five{.body = BodyKind::Length, .length = 5};
  EXPECT_EQ(decodeBody(five, "hello", {}).outcome, "'hello' rest=0");
  EXPECT_EQ(decodeBody(five, "helloGET", {}).outcome, "'hello' rest=3");
  EXPECT_EQ(decodeBody(five, "hello", {{1, 2, 4}}).outcome, "'hello' rest=0");
  EXPECT_EQ(decodeBody(five, "hell", {}).outcome, "incomplete");
  EXPECT_EQ(decodeBody({}, "GET", {}).outcome, "'' rest=3");
}

TEST(BodyDecoder, RemainingCountsDownAndDataIsAViewIntoTheInput) {
  BodyDecoder decoder;
  decoder.begin({.body = BodyKind::Length, .length = 10}, MessageType::Request);
  EXPECT_EQ(decoder.remaining(), 10u);
  const std::string input = "abc";
  const auto step = decoder.step(input);
  EXPECT_EQ(step.kind, BodyDecoder::Step::Data);
  EXPECT_EQ(step.data.data(), input.data());
  EXPECT_EQ(decoder.remaining(), 7u);
  EXPECT_EQ(decoder.step("").kind, BodyDecoder::Step::NeedMore);
  EXPECT_FALSE(decoder.done());
}

// RFC 9112 §8.
TEST(BodyDecoder, CloseEndsOnlyWhatACloseMayEnd) {
  BodyDecoder decoder;
  decoder.begin({.body = BodyKind::UntilClose}, MessageType::Response);
  EXPECT_EQ(decoder.step("abc").data, "abc");
  EXPECT_EQ(decoder.step("").kind, BodyDecoder::Step::NeedMore);
  EXPECT_EQ(decoder.onClose().kind, BodyDecoder::Step::End);
  EXPECT_TRUE(decoder.done());

  decoder.begin({.body = BodyKind::Length, .length = 2}, MessageType::Response);
  (void)decoder.step("a");
  const auto cut = decoder.onClose();
  EXPECT_EQ(cut.kind, BodyDecoder::Step::Error);
  EXPECT_EQ(cut.error.status, 502);
  EXPECT_EQ(cut.error.reason, "http1.truncated_body");

  for (std::string_view bytes :
       {"", "2", "2\r\n", "2\r\nab", "2\r\nab\r\n", "0\r\n", "0\r\na: b\r\n"}) {
    decoder.begin({.body = BodyKind::Chunked}, MessageType::Request);
    while (!bytes.empty()) bytes.remove_prefix(decoder.step(bytes).consumed);
    EXPECT_EQ(decoder.onClose().error.status, 400) << bytes;
  }
}

TEST(BodyDecoder, AnErrorStaysAndANewMessageForgetsIt) {
  BodyDecoder decoder;
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request);
  EXPECT_EQ(decoder.step("x").error.reason, "http1.invalid_chunk_size");
  EXPECT_EQ(decoder.step("0\r\n\r\n").error.reason, "http1.invalid_chunk_size");
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request);
  EXPECT_EQ(decoder.step("0\r\n\r\n").kind, BodyDecoder::Step::End);
}

TEST(BodyDecoder, TrailersWithoutAPlaceToGoAreStillChecked) {
  BodyDecoder decoder;
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request);
  EXPECT_EQ(decoder.step("0\r\na: b\r\n\r\n").kind, BodyDecoder::Step::Trailers);
  EXPECT_EQ(decoder.step("").kind, BodyDecoder::Step::End);
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request);
  EXPECT_EQ(decoder.step("0\r\na b\r\n\r\n").kind, BodyDecoder::Step::Error);
}

// CVE-2023-39326: a byte of data for each kilobyte of extension.
TEST(BodyDecoder, ExtensionsArePaidForByData) {
  const std::string extension = ";" + std::string(999, 'e');
  std::string fair;
  for (int i = 0; i < 100; ++i)
    fair += "3e8" + extension + "\r\n" + std::string(1000, 'd') + "\r\n";
  EXPECT_EQ(decodeBody({.body = BodyKind::Chunked}, fair + "0\r\n\r\n", {}).data.size(), 100'000u);
}

TEST(BodyDecoder, TrailerLimitsAreTheCallers) {
  BodyDecoder decoder;
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request,
                {.max_trailer_bytes = 10, .max_trailers = 1});
  EXPECT_EQ(decoder.step("0\r\na: bc\r\n\r\n").error.reason, "");
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request, {.max_trailer_bytes = 9});
  EXPECT_EQ(decoder.step("0\r\na: bcd\r\n\r\n").error.status, 431);
  decoder.begin({.body = BodyKind::Chunked}, MessageType::Request, {.max_trailers = 1});
  EXPECT_EQ(decoder.step("0\r\na: b\r\nc: d\r\n\r\n").error.status, 431);
}

}  // namespace
}  // namespace weir::codec
