#include "source/codec/http1/encode.h"

#include <gtest/gtest.h>

#include "source/codec/http1/decoded.h"
#include "source/codec/http1/parsed.h"
#include "source/codec/http1/test_rows.h"

namespace weir::codec {
namespace {

std::string encoded(ParsedRequest& parsed) {
  return std::string(encodeRequestHead(parsed.head, parsed.framing.body, parsed.framing.length,
                                       ConnectionOption::None, parsed.arena));
}

std::string reencode(std::string_view bytes) {
  ParsedRequest parsed;
  parsed.parse(bytes);
  return encoded(parsed);
}

std::string encodeResponse(ParsedResponse& parsed, Method method,
                           ConnectionOption connection = ConnectionOption::None) {
  return std::string(encodeResponseHead(parsed.head, parsed.framing.body, parsed.framing.length,
                                        method, connection, parsed.arena));
}

TEST(EncodeRequest, WritesHostFirstThenTheFieldsInOrder) {
  EXPECT_EQ(reencode("GET /x?y HTTP/1.1\r\nA: 1\r\nHost: h\r\nB:2\r\nC: 3\r\nD: 4\r\n\r\n"),
            "GET /x?y HTTP/1.1\r\nhost: h\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n");
}

TEST(EncodeRequest, HopFieldsAreNeverWrittenFromTheFields) {
  ParsedRequest parsed;
  parsed.parse("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nConnection: x\r\nB: 2\r\n\r\n");
  parsed.head.fields.add("transfer-encoding", "chunked");
  parsed.head.fields.add("host", "evil");
  EXPECT_EQ(encoded(parsed), "GET / HTTP/1.1\r\nhost: h\r\na: 1\r\nb: 2\r\n\r\n");
}

TEST(EncodeRequest, UpgradeIsWrittenOnlyWhereTheConnectionAsksForIt) {
  ParsedRequest parsed;
  parsed.parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: ws\r\nA: 1\r\n\r\n");
  EXPECT_EQ(encoded(parsed), "GET / HTTP/1.1\r\nhost: h\r\na: 1\r\n\r\n");
  EXPECT_EQ(
      encodeRequestHead(parsed.head, BodyKind::None, 0, ConnectionOption::Upgrade, parsed.arena),
      "GET / HTTP/1.1\r\nhost: h\r\nupgrade: ws\r\na: 1\r\nconnection: upgrade\r\n\r\n");
}

TEST(EncodeRequest, FramingIsWhatTheCallerSays) {
  ParsedRequest parsed;
  parsed.parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nA: 1\r\n\r\n");
  const auto encode = [&](BodyKind body, uint64_t length) {
    const std::string_view all =
        encodeRequestHead(parsed.head, body, length, ConnectionOption::None, parsed.arena);
    return std::string(all.substr(all.find("host: h\r\n") + 9));
  };
  EXPECT_EQ(encode(BodyKind::Length, 5), "content-length: 5\r\na: 1\r\n\r\n");
  EXPECT_EQ(encode(BodyKind::Length, 6), "a: 1\r\ncontent-length: 6\r\n\r\n");
  EXPECT_EQ(encode(BodyKind::Chunked, 0), "a: 1\r\ntransfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(encode(BodyKind::None, 0), "a: 1\r\ncontent-length: 0\r\n\r\n");
  parsed.head.fields.add("content-length", "5");
  EXPECT_EQ(encode(BodyKind::Length, 5), "a: 1\r\ncontent-length: 5\r\n\r\n") << "two became one";
  parsed.head.setMethod("GET");
  EXPECT_EQ(encode(BodyKind::None, 0), "a: 1\r\n\r\n") << "a GET without a body has no length";
}

TEST(EncodeRequest, ConnectAndAsteriskHaveTheirOwnTargets) {
  EXPECT_EQ(reencode("CONNECT b:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
            "CONNECT b:443 HTTP/1.1\r\nhost: b:443\r\n\r\n");
  EXPECT_EQ(reencode("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n");
  EXPECT_EQ(reencode("GET http://b?c HTTP/1.1\r\nHost: x\r\n\r\n"),
            "GET /?c HTTP/1.1\r\nhost: b\r\n\r\n");
}

TEST(EncodeRequest, FiltersChangesBreakTheRunsCleanly) {
  ParsedRequest parsed;
  parsed.parse(
      "GET / HTTP/1.1\r\nHost: h\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\nf:\r\ng: \r\n\r\n");
  parsed.head.fields.set(*HeaderName::parse("b"), "longer than before");
  parsed.head.fields.remove("d");
  parsed.head.fields.add("x-request-id", "7");
  EXPECT_EQ(encoded(parsed),
            "GET / HTTP/1.1\r\nhost: h\r\na: 1\r\nb: longer than before\r\nc: 3\r\ne: 5\r\nf: \r\n"
            "g: \r\nx-request-id: 7\r\n\r\n");
}

TEST(EncodeRequest, ParsedAgainItIsTheSame) {
  size_t accepted = 0;
  for (const TestRow& row : readRows("requests.txt")) {
    const FoundHead found = findHead(MessageType::Request, row.bytes, {});
    ParsedRequest first;
    if (found.size == 0) continue;
    const std::string outcome =
        first.parse(std::string_view(row.bytes).substr(found.begin, found.size));
    if (outcome[0] >= '4' && outcome[0] <= '5') continue;
    ++accepted;
    const std::string once = encoded(first);
    ParsedRequest second;
    second.parse(once);
    EXPECT_EQ(encoded(second), once) << row.where;
    EXPECT_EQ(second.framing.body, first.framing.body) << row.where;
    EXPECT_EQ(second.framing.length, first.framing.length) << row.where;
    EXPECT_EQ(second.head.path, first.head.path) << row.where;
    EXPECT_EQ(second.head.authority, first.head.authority) << row.where;
  }
  EXPECT_GE(accepted, 50u);
}

TEST(EncodeResponse, StatusLineHasThePhraseOfTheOriginOrTheStandardOne) {
  ParsedResponse parsed;
  parsed.parse("HTTP/1.1 404 Nope nope\r\nA: 1\r\nContent-Length: 2\r\n\r\n", Method::Get);
  EXPECT_EQ(encodeResponse(parsed, Method::Get),
            "HTTP/1.1 404 Nope nope\r\na: 1\r\ncontent-length: 2\r\n\r\n");
  parsed.head.reason = {};
  EXPECT_EQ(encodeResponse(parsed, Method::Get, ConnectionOption::Close),
            "HTTP/1.1 404 Not Found\r\na: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
}

// RFC 9110 §8.6 and RFC 9112 §6.
TEST(EncodeResponse, LengthOfAnAnswerWithoutBodyDependsOnWhatItAnswers) {
  const auto encode = [](uint16_t status, Method method, bool with_length) {
    ChunkPool pool;
    Arena arena(pool);
    ResponseHead head(arena);
    head.status = status;
    if (with_length) head.fields.add("content-length", "7");
    const std::string_view all =
        encodeResponseHead(head, BodyKind::None, 0, method, ConnectionOption::None, arena);
    return std::string(all.substr(all.find("\r\n") + 2));
  };
  EXPECT_EQ(encode(200, Method::Head, true), "content-length: 7\r\n\r\n");
  EXPECT_EQ(encode(200, Method::Head, false), "\r\n");
  EXPECT_EQ(encode(304, Method::Get, true), "content-length: 7\r\n\r\n");
  EXPECT_EQ(encode(204, Method::Get, true), "\r\n");
  EXPECT_EQ(encode(204, Method::Head, true), "\r\n");
  EXPECT_EQ(encode(100, Method::Get, true), "\r\n");
  EXPECT_EQ(encode(200, Method::Connect, true), "\r\n");
  EXPECT_EQ(encode(502, Method::Connect, true), "content-length: 0\r\n\r\n");
  EXPECT_EQ(encode(200, Method::Get, true), "content-length: 0\r\n\r\n")
      << "a filter took the body";
  EXPECT_EQ(encode(200, Method::Get, false), "content-length: 0\r\n\r\n");
}

TEST(EncodeResponse, ConnectionIsWhatTheCallerSays) {
  ParsedResponse parsed;
  parsed.parse("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: ws\r\n\r\n", Method::Get);
  EXPECT_EQ(encodeResponse(parsed, Method::Get, ConnectionOption::Upgrade),
            "HTTP/1.1 101 Switching\r\nupgrade: ws\r\nconnection: upgrade\r\n\r\n");
  EXPECT_EQ(encodeResponse(parsed, Method::Get, ConnectionOption::KeepAlive),
            "HTTP/1.1 101 Switching\r\nupgrade: ws\r\nconnection: keep-alive\r\n\r\n");
}

TEST(EncodeResponse, ParsedAgainItIsTheSame) {
  size_t accepted = 0;
  for (const TestRow& row : readRows("responses.txt")) {
    const Method method = row.expected[0] == 'H'   ? Method::Head
                          : row.expected[0] == 'C' ? Method::Connect
                                                   : Method::Get;
    const FoundHead found = findHead(MessageType::Response, row.bytes, {});
    ParsedResponse first;
    if (found.size == 0 ||
        first.parse(row.bytes.substr(0, found.size), method).starts_with("502 h")) {
      continue;
    }
    ++accepted;
    const std::string once = encodeResponse(first, method);
    ParsedResponse second;
    second.parse(once, method);
    EXPECT_EQ(encodeResponse(second, method), once) << row.where;
    EXPECT_EQ(second.framing.body, first.framing.body) << row.where;
    EXPECT_EQ(second.framing.length, first.framing.length) << row.where;
  }
  EXPECT_GE(accepted, 25u);
}

TEST(EncodeChunk, HeadersAndTrailersDecodeAgain) {
  ChunkPool pool;
  Arena arena(pool);
  Fields trailers(arena);
  char header[20];
  std::string bytes;
  for (size_t size : {1, 15, 16, 255, 4096, 70000}) {
    bytes.append(header, encodeChunkHeader(header, size));
    bytes.append(std::string(size, 'x'));
    bytes.append(kChunkEnd);
  }
  const Framing chunked{.body = BodyKind::Chunked};
  EXPECT_EQ(decodeBody(chunked, bytes + std::string(kLastChunk), {}).data.size(), 74383u);
  EXPECT_EQ(encodeTrailers(trailers, arena), kLastChunk);
  trailers.add("x-sum", "1");
  trailers.add("content-length", "5");
  EXPECT_EQ(encodeTrailers(trailers, arena), "0\r\nx-sum: 1\r\n\r\n");
  EXPECT_EQ(std::string(header, encodeChunkHeader(header, ~uint64_t{0})), "ffffffffffffffff\r\n");
}

}  // namespace
}  // namespace weir::codec
