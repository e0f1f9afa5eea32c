#include "source/codec/http1/parse_head.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "source/codec/http1/parsed.h"
#include "source/codec/http1/test_rows.h"

namespace weir::codec {
namespace {

// The offset of every byte: the slowest way that bytes can arrive.
std::vector<size_t> everyByte(size_t size) {
  std::vector<size_t> ends(size);
  std::iota(ends.begin(), ends.end(), size_t{0});
  return ends;
}

struct ResponseRow {
  explicit ResponseRow(std::string_view text) : expected(text) {
    if (expected.substr(0, 6) == "HEAD: ") {
      method = Method::Head;
      expected.remove_prefix(6);
    } else if (expected.substr(0, 9) == "CONNECT: ") {
      method = Method::Connect;
      expected.remove_prefix(9);
    }
  }
  Method method = Method::Get;
  std::string_view expected;
};

TEST(ParseRequest, TableOfLegalAndHostileRequests) {
  const auto rows = readRows("requests.txt");
  ASSERT_GE(rows.size(), 150u);
  for (const TestRow& row : rows) {
    EXPECT_EQ(requestOutcome(row.bytes, {}), row.expected) << row.where;
  }
}

TEST(ParseResponse, TableOfLegalAndHostileResponses) {
  const auto rows = readRows("responses.txt");
  ASSERT_GE(rows.size(), 60u);
  for (const TestRow& row : rows) {
    const ResponseRow wanted(row.expected);
    EXPECT_EQ(responseOutcome(row.bytes, wanted.method, {}), wanted.expected) << row.where;
  }
}

TEST(ParseHead, SplittingAtAnyByteChangesNothing) {
  for (const TestRow& row : readRows("requests.txt")) {
    EXPECT_EQ(requestOutcome(row.bytes, everyByte(row.bytes.size())), row.expected) << row.where;
    if (row.bytes.size() > 2000) continue;
    for (size_t at = 0; at < row.bytes.size(); ++at) {
      ASSERT_EQ(requestOutcome(row.bytes, {{at}}), row.expected) << row.where << " at " << at;
    }
  }
  for (const TestRow& row : readRows("responses.txt")) {
    const ResponseRow wanted(row.expected);
    EXPECT_EQ(responseOutcome(row.bytes, wanted.method, everyByte(row.bytes.size())),
              wanted.expected)
        << row.where;
    if (row.bytes.size() > 2000) continue;
    for (size_t at = 0; at < row.bytes.size(); ++at) {
      ASSERT_EQ(responseOutcome(row.bytes, wanted.method, {{at}}), wanted.expected)
          << row.where << " at " << at;
    }
  }
}

// A strict parser has no byte in the head that may become any other unnoticed: whatever one byte is
// changed to, the fields that decide framing stay, or the head is refused.
TEST(ParseHead, NoSingleByteChangesTheFramingUnnoticed) {
  const std::string good =
      "POST /p HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 5\r\nAccept: b\r\n\r\n";
  for (size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = good;
      changed[at] = static_cast<char>(byte);
      ParsedRequest parsed;
      const std::string outcome = parsed.parse(changed);
      if (outcome[0] >= '0' && outcome[0] <= '9' && outcome[3] == ' ') continue;
      const bool in_length_line = at >= good.find("Content") && at < good.find("Accept");
      if (!in_length_line) {
        ASSERT_EQ(parsed.framing.length, 5u) << changed;
      }
      ASSERT_NE(parsed.framing.body, BodyKind::Chunked);
      ASSERT_GE(parsed.head.fields.size() + (parsed.head.authority.empty() ? 0 : 1), 3u) << changed;
    }
  }
}

TEST(ParseRequest, NamesAreLoweredAndValuesTrimmed) {
  ParsedRequest good;
  EXPECT_EQ(
      good.parse("GET / HTTP/1.1\r\nHOST: A\r\nX-Very-Long-HEADER-Name-Beyond-16: \t V v \t\r\n"
                 "ACCEPT:*/*\r\nAZ^_`az: x\r\n\r\n"),
      "GET / A none keep");
  ASSERT_EQ(good.head.fields.size(), 3u);
  const Field* fields = good.head.fields.begin();
  EXPECT_EQ(fields[0].name(), "x-very-long-header-name-beyond-16");
  EXPECT_EQ(fields[0].value(), "V v");
  EXPECT_EQ(fields[1].id, HeaderId::Accept);
  EXPECT_EQ(fields[2].name(), "az^_`az");
}

TEST(ParseRequest, VerbatimIsMarkedOnlyWhereTheBytesAreExact) {
  ParsedRequest parsed;
  parsed.parse(
      "GET / HTTP/1.1\r\nHost: a\r\na: 1\r\nb:1\r\nc:  1\r\nd: 1 \r\ne:\t1\r\nf: \r\ng:\r\n"
      "H: 1 2\r\n\r\n");
  std::string marked;
  for (const Field& field : parsed.head.fields) {
    if ((field.flags & Field::kVerbatim) != 0) marked += field.name();
  }
  EXPECT_EQ(marked, "afh");
}

TEST(ParseRequest, WhatTheFramingSaysIsNotAmongTheFields) {
  ParsedRequest parsed;
  parsed.parse(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
      "Connection: x-hop\r\nAccept: b\r\n\r\n");
  EXPECT_FALSE(parsed.head.fields.has(HeaderId::Host));
  EXPECT_FALSE(parsed.head.fields.has(HeaderId::TransferEncoding));
  EXPECT_EQ(parsed.head.fields.get(HeaderId::Connection), "x-hop") << "lists a field: still needed";
  EXPECT_EQ(parsed.head.fields.size(), 2u);
}

// RFC 9110 §10.1.1: an origin that is asked in HTTP/1.1 must not see what HTTP/1.0 does not have.
TEST(ParseRequest, ExpectOfHttp10IsDropped) {
  ParsedRequest old;
  EXPECT_EQ(old.parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), "GET / - none close");
  EXPECT_TRUE(old.head.fields.empty());
  ParsedRequest now;
  now.parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(now.head.fields.has(HeaderId::Expect));
}

TEST(ParseResponse, LengthThatMayNotBeIsRemoved) {
  ParsedResponse none;
  EXPECT_EQ(none.parse("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", Method::Get),
            "204 none keep");
  EXPECT_FALSE(none.head.fields.has(HeaderId::ContentLength));
  ParsedResponse head;
  head.parse("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Method::Head);
  EXPECT_EQ(head.head.fields.get(HeaderId::ContentLength), "7")
      << "tells of what a GET would bring";
  EXPECT_EQ(head.head.reason, "OK");
}

TEST(ParseHead, LimitsAreTheCallersAndExact) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nb: c\r\n\r\n";
  EXPECT_EQ(findHead(MessageType::Request, bytes, {}, bytes.size()).size, bytes.size());
  EXPECT_EQ(findHead(MessageType::Request, bytes, {}, bytes.size() - 1).outcome,
            "431 http1.headers_too_large");
  EXPECT_EQ(findHead(MessageType::Request, "\r\n" + bytes, {}, bytes.size()).size, bytes.size());
  EXPECT_EQ(findHead(MessageType::Request, bytes, {}, 10).outcome, "414 http1.url_too_long");
  EXPECT_EQ(ParsedRequest().parse(bytes, {.max_fields = 2}), "GET / a none keep");
  EXPECT_EQ(ParsedRequest().parse(bytes, {.max_fields = 1}), "431 http1.too_many_headers");
}

TEST(ParseHead, BytesThatTheScannerNeverPassesAreRefusedToo) {
  for (std::string_view bytes :
       {"", "\r\n", "GET", "GET ", "GET /", "GET / HTTP/1.1", "HTTP/1.1 200",
        "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost",
        "HTTP/1.1 200 OK\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\nx"}) {
    EXPECT_EQ(ParsedRequest().parse(bytes).substr(0, 3), "400") << bytes;
    EXPECT_EQ(ParsedResponse().parse(bytes, Method::Get).substr(0, 3), "502") << bytes;
  }
}

TEST(ParseHead, LongHeadsCrossTheWindowsOfTheByteSets) {
  for (size_t length = 900; length < 1200; ++length) {
    const std::string name(length, 'N');
    const std::string value(length, 'v');
    ParsedRequest parsed;
    ASSERT_EQ(parsed.parse("GET / HTTP/1.1\r\nHost: a\r\n" + name + ": " + value +
                           "\r\nz: " + value + "\r\n\r\n"),
              "GET / a none keep");
    ASSERT_EQ(parsed.head.fields.begin()[0].name(), std::string(length, 'n'));
    ASSERT_EQ(parsed.head.fields.begin()[1].value(), value);
  }
  ParsedRequest parsed;
  EXPECT_EQ(parsed.parse("GET / HTTP/1.1\r\n" + std::string(70000, 'n') + ": v\r\n\r\n"),
            "431 http1.header_name_too_long");
}

TEST(ParseError, EveryReasonIsStableUniqueAndInTheReadme) {
  std::ifstream file("source/codec/README.md");
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  std::set<std::string_view> reasons;
  for (int i = 1; i < static_cast<int>(Fault::kCount); ++i) {
    const ParseError error = errorOf(static_cast<Fault>(i), MessageType::Request);
    EXPECT_TRUE(error);
    EXPECT_TRUE(reasons.insert(error.reason).second) << error.reason;
    EXPECT_NE(readme.find("`" + std::string(error.reason) + "` | " + std::to_string(error.status)),
              readme.npos)
        << error.reason;
    EXPECT_EQ(errorOf(static_cast<Fault>(i), MessageType::Response).status, 502);
  }
  EXPECT_FALSE(errorOf(Fault::None, MessageType::Response));
}

}  // namespace
}  // namespace weir::codec
