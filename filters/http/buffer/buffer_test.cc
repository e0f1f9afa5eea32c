#include "test/harness/exchange.h"

#include <gtest/gtest.h>

namespace weir::filters::buffer {
namespace {

using test::Exchange;
using test::filter;

constexpr char kConfig[] = R"(
"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
max_request_bytes: 5
)";
constexpr char kRoute[] =
    R"("@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
)";
constexpr char kChunked[] =
    "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: "
    "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
constexpr char kLong[] = "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 6\r\n\r\n123456";

TEST(Buffer, TheOriginSeesNothingBeforeTheEnd) {
  Exchange x{filter(kConfig)};
  x.begin(kChunked, {1, 2, 3, 4});
  EXPECT_EQ(x.originRequests(), 0u);
  EXPECT_EQ(x.originOf("origin").connections(), 0u);
  x.settle();
  EXPECT_EQ(x.originSaw().body, "abcde");
}

TEST(Buffer, AChunkedRequestGetsALength) {
  Exchange x{filter(kConfig)};
  x.request(kChunked);
  EXPECT_EQ(x.upstreamHeader("content-length"), "5");
  EXPECT_EQ(x.status(), 200);
}

TEST(Buffer, MoreThanTheLimitIs413) {
  Exchange x{filter(kConfig)};
  x.request(kLong);
  EXPECT_EQ(x.status(), 413);
  EXPECT_EQ(x.body(), "Payload Too Large");
  EXPECT_EQ(x.details(), "request_payload_too_large");
  EXPECT_EQ(x.originRequests(), 0u);
}

TEST(Buffer, ARequestWithoutABodyPasses) {
  Exchange x{filter(kConfig)};
  x.request("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.upstreamHeader("content-length"), "");
}

TEST(Buffer, ARouteTurnsItOffOrSetsAnotherLimit) {
  Exchange off{filter(kConfig).onRoute(std::string(kRoute) + "disabled: true")};
  off.request(kLong);
  EXPECT_EQ(off.originSaw().body, "123456");
  Exchange more{filter(kConfig).onRoute(std::string(kRoute) + "buffer: {max_request_bytes: 6}")};
  more.request(kLong);
  EXPECT_EQ(more.originSaw().body, "123456");
  Exchange less{
      filter(kConfig).onVirtualHost(std::string(kRoute) + "buffer: {max_request_bytes: 4}")};
  less.request(kChunked);
  EXPECT_EQ(less.status(), 413);
}

TEST(Buffer, HoweverTheBodyIsSplit) {
  Exchange x{filter(kConfig)};
  x.everySplit(kChunked);
  x.everySplit(kLong);
}

TEST(Buffer, WheneverTheClientVanishes) {
  Exchange x{filter(kConfig)};
  EXPECT_GE(x.cancelAtEveryWait(kChunked), 4u);
}

TEST(Buffer, RefusesWhatSaysNothing) {
  const std::string none(kConfig, sizeof kConfig - sizeof "max_request_bytes: 5\n");
  EXPECT_EQ(test::refusal(none).field, "max_request_bytes");
  EXPECT_EQ(test::refusal(filter(kConfig).onRoute(std::string(kRoute) + "disabled: false")).text,
            "expected disabled: true, or buffer");
  EXPECT_EQ(test::refusal(filter(kConfig).onRoute(std::string(kRoute) + "buffer: {}")).field,
            "buffer.max_request_bytes");
}

}  // namespace
}  // namespace weir::filters::buffer
