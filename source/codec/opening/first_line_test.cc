#include "source/codec/opening/first_line.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::codec {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TEST(FirstLine, tellsVersions) {
  EXPECT_EQ(classifyHttp("GET / HTTP/1.1\r\nhost: a\r\n"), FirstLine::Http11);
  EXPECT_EQ(classifyHttp("GET / HTTP/1.0\r\n"), FirstLine::Http10);
  EXPECT_EQ(classifyHttp("GET / HTTP/1.1\n"), FirstLine::Http11);
  EXPECT_EQ(classifyHttp("\r\nGET / HTTP/1.1\r\n"), FirstLine::Http11);
  EXPECT_EQ(classifyHttp("M-SEARCH * HTTP/1.1\r\n"), FirstLine::Http11);
  EXPECT_EQ(classifyHttp(kPreface), FirstLine::Http2);
  EXPECT_EQ(classifyHttp(std::string(kPreface) + "more"), FirstLine::Http2);
}

TEST(FirstLine, everyPieceNeedsMore) {
  for (const std::string_view whole : {kPreface, std::string_view("PRINT / HTTP/1.1\r\n"),
                                       std::string_view("\r\nGET / HTTP/1.0\r\n")}) {
    for (size_t size = 0; size < whole.size() - 1; ++size) {
      EXPECT_EQ(classifyHttp(whole.substr(0, size)), FirstLine::NeedMore) << size;
    }
    EXPECT_NE(classifyHttp(whole), FirstLine::NeedMore);
  }
}

TEST(FirstLine, whatIsNoHttp) {
  EXPECT_EQ(classifyHttp("\x16\x03\x01"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp(" GET / HTTP/1.1\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("*1\r\n$4\r\nPING\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("GET / HTTP/2.0\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("GET / HTTP/1.1 \r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("GET HTTP/1.1\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("GET  HTTP/1.1\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("QUIT\r\n"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp("PRI * HTTP/2.0\r\n\r\nXM"), FirstLine::NotHttp);
  EXPECT_EQ(classifyHttp(std::string(65, 'A')), FirstLine::NotHttp);
}

TEST(FirstLine, lengthIsBounded) {
  const std::string line = "GET /" + std::string(kLongestFirstLine - 5, 'a');
  EXPECT_EQ(classifyHttp(line.substr(0, line.size() - 1)), FirstLine::NeedMore);
  EXPECT_EQ(classifyHttp(line), FirstLine::NotHttp);
}

}  // namespace
}  // namespace weir::codec
