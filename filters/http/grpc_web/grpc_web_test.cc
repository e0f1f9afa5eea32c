#include <gtest/gtest.h>

#include <map>

#include "filters/http/grpc_web/base64_pieces.h"
#include "test/harness/exchange.h"

namespace weir::filters::grpc_web {
namespace {

using test::Exchange;
using test::filter;
using test::Reply;

constexpr char kConfig[] =
    R"("@type": type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb)";

std::string message(std::string_view text, char flag = '\0') {
  std::string made(5, '\0');
  made[0] = flag;
  made[4] = static_cast<char>(text.size());
  return made.append(text);
}

// One part.
std::string base64(std::string_view data) {
  Base64Encoder encoder;
  std::string text;
  encoder.encode(data, text);
  encoder.flush(text);
  return text;
}

std::string post(std::string_view type, std::string_view body, std::string_view more = "") {
  return "POST /a.B/C HTTP/1.1\r\nhost: a.test\r\ncontent-type: " + std::string(type) +
         "\r\ncontent-length: " + std::to_string(body.size()) + "\r\nx-grpc-web: 1\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

constexpr char kWantsText[] = "accept: application/grpc-web-text\r\n";

Reply answer(std::string body) {
  Reply reply{200, {{"content-type", "application/grpc"}}, std::move(body)};
  reply.trailers = {{"grpc-status", "0"}, {"grpc-message", "fine"}};
  return reply;
}

const std::string kTrailers = message("grpc-status:0\r\ngrpc-message:fine\r\n", '\x80');

TEST(GrpcWeb, ABinaryCallAndItsTrailers) {
  Exchange x{filter(kConfig)};
  x.origin(answer(message("hello") + message("")));
  x.request(post("application/grpc-web+proto", message("ask")));
  EXPECT_EQ(x.originSaw().body, message("ask"));
  EXPECT_EQ(x.upstreamHeader("content-type"), "application/grpc");
  EXPECT_EQ(x.upstreamHeader("te"), "trailers");
  EXPECT_EQ(x.upstreamHeader("grpc-accept-encoding"), "identity");
  EXPECT_EQ(x.upstreamHeader("content-length"), "");
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("content-type"), "application/grpc-web+proto");
  EXPECT_EQ(x.body(), message("hello") + message("") + kTrailers);
  EXPECT_TRUE(x.response().trailers.empty());
}

TEST(GrpcWeb, ATextCallIsDecodedAndAnsweredAsText) {
  Exchange x{filter(kConfig)};
  x.origin(answer(message("hello") + message("you")));
  x.request(post("application/grpc-web-text", base64(message("ask")), kWantsText));
  EXPECT_EQ(x.originSaw().body, message("ask"));
  EXPECT_EQ(x.upstreamHeader("content-type"), "application/grpc");
  EXPECT_EQ(x.field("content-type"), "application/grpc-web-text+proto");
  EXPECT_EQ(x.body(), base64(message("hello")) + base64(message("you")) + base64(kTrailers));
}

TEST(GrpcWeb, WhatIsAcceptedDecidesAboutTheResponse) {
  const std::map<std::string, std::string> rows = {
      {"", "application/grpc-web+proto"},
      {"accept: */*\r\n", "application/grpc-web+proto"},
      {"accept: application/grpc-web-text+proto\r\n", "application/grpc-web-text+proto"},
      {"accept: text/plain, application/grpc-web-text; q=0.5\r\n",
       "application/grpc-web-text+proto"},
      {"accept: application/grpc-web-texts\r\n", "application/grpc-web+proto"}};
  for (const auto& [accept, type] : rows) {
    Exchange x{filter(kConfig)};
    x.origin(answer(message("hello")));
    x.request(post("application/grpc-web-text", base64(message("ask")), accept));
    EXPECT_EQ(x.field("content-type"), type) << accept;
  }
}

TEST(GrpcWeb, TheFormatStaysAndParametersGo) {
  const std::map<std::string, std::string> rows = {
      {"application/grpc-web", "application/grpc"},
      {"application/grpc-web+proto", "application/grpc"},
      {"Application/gRPC-Web+proto; charset=utf-8", "application/grpc"},
      {"application/grpc-web+json", "application/grpc+json"},
      {"application/grpc-web-text+thrift", "application/grpc+thrift"}};
  for (const auto& [type, upstream] : rows) {
    Exchange x{filter(kConfig)};
    x.request(post(type, ""));
    EXPECT_EQ(x.upstreamHeader("content-type"), upstream);
  }
  Exchange x{filter(kConfig)};
  x.origin({200, {{"content-type", "application/grpc+json"}, {"grpc-status", "0"}}, ""});
  x.request(post("application/grpc-web+json", message("{}")));
  EXPECT_EQ(x.field("content-type"), "application/grpc-web+json");
}

TEST(GrpcWeb, OtherRequestsPassUntouched) {
  for (const std::string type : {"application/grpc", "application/grpc-webs", "text/plain",
                                 "application/grpc-web-texts", "application/json"}) {
    Exchange x{filter(kConfig)};
    x.origin(answer(message("hello")));
    x.request(post(type, message("ask"), kWantsText));
    EXPECT_EQ(x.upstreamHeader("content-type"), type);
    EXPECT_EQ(x.upstreamHeader("content-length"), "8");
    EXPECT_EQ(x.upstreamHeader("te"), "");
    EXPECT_EQ(x.field("content-type"), "application/grpc");
    EXPECT_EQ(x.body(), message("hello"));
    EXPECT_EQ(x.response().trailers.size(), 2u);
  }
}

TEST(GrpcWeb, AcceptEncodingOfTheClientStays) {
  Exchange x{filter(kConfig)};
  x.request(post("application/grpc-web", "", "grpc-accept-encoding: gzip\r\n"));
  EXPECT_EQ(x.upstreamHeader("grpc-accept-encoding"), "gzip");
}

TEST(GrpcWeb, AResponseThatIsAllHeadStaysSo) {
  Exchange x{filter(kConfig)};
  x.origin({200,
            {{"content-type", "application/grpc"}, {"grpc-status", "5"}, {"grpc-message", "no"}},
            ""});
  x.request(post("application/grpc-web", message("ask")));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("content-type"), "application/grpc-web+proto");
  EXPECT_EQ(x.field("grpc-status"), "5");
  EXPECT_EQ(x.field("grpc-message"), "no");
  EXPECT_EQ(x.body(), "");
}

TEST(GrpcWeb, WhatIsNoBase64IsRefused) {
  for (const char* bad : {"AA=A", "!!!!", "AAA=A===", "=AAA", "A===", "AB==", "AAA\n", "A-__"}) {
    Exchange x{filter(kConfig)};
    x.request(post("application/grpc-web-text", bad));
    EXPECT_EQ(x.status(), 200) << bad;
    EXPECT_EQ(x.field("grpc-status"), "13") << bad;
    EXPECT_EQ(x.field("grpc-message"), "Bad gRPC-web request, invalid base64 data.");
    EXPECT_EQ(x.field("content-type"), "application/grpc-web+proto");
    EXPECT_EQ(x.details(), "grpc_base_64_decode_failed") << bad;
    EXPECT_EQ(x.originRequests(), 0u);
  }
  for (const char* cut : {"A", "AA", "AAA", "AAAAA", "AA="}) {
    Exchange x{filter(kConfig)};
    x.request(post("application/grpc-web-text", cut));
    EXPECT_EQ(x.field("grpc-status"), "13") << cut;
    EXPECT_EQ(x.details(), "grpc_base_64_decode_failed_bad_size") << cut;
  }
}

TEST(GrpcWeb, TextThatEndsBeforeTrailersDoesMustBeWhole) {
  Exchange x{filter(kConfig)};
  x.request(
      "POST /a.B/C HTTP/1.1\r\nhost: a.test\r\ncontent-type: application/grpc-web-text\r\n"
      "transfer-encoding: chunked\r\n\r\n3\r\nAAA\r\n0\r\nx-end: 1\r\n\r\n");
  EXPECT_EQ(x.details(), "grpc_base_64_decode_failed_bad_size");
}

TEST(GrpcWeb, PartsWithPaddingMayFollowEachOther) {
  Exchange x{filter(kConfig)};
  x.request(post("application/grpc-web-text", base64(message("a")) + base64(message("bcd"))));
  EXPECT_EQ(x.originSaw().body, message("a") + message("bcd"));
}

TEST(GrpcWeb, WhatIsNotGrpcBecomesAStatus) {
  Exchange x{filter(kConfig)};
  x.origin({503, {{"content-type", "text/html"}}, "<b>50% gone</b>\n"});
  x.request(post("application/grpc-web", message("ask"), kWantsText));
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.field("content-type"), "application/grpc-web-text+proto");
  EXPECT_EQ(x.field("grpc-status"), "14");
  EXPECT_EQ(x.field("grpc-message"), "<b>50%25 gone</b>%0A");
  EXPECT_EQ(x.field("content-length"), "0");
  EXPECT_EQ(x.body(), "");

  x.origin({200, {{"content-type", "text/html"}}, std::string(40'000, 'x')});
  x.request(post("application/grpc-web", message("ask")));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("grpc-status"), "2");
  EXPECT_EQ(x.field("grpc-message"), std::string(16'384, 'x'));
  EXPECT_EQ(x.body(), "");

  Reply with_trailers{404, {}, "lost"};
  with_trailers.trailers = {{"x-end", "1"}};
  x.origin(with_trailers);
  x.request(post("application/grpc-web", message("ask")));
  EXPECT_EQ(x.field("grpc-status"), "12");
  EXPECT_EQ(x.field("grpc-message"), "lost");
  EXPECT_TRUE(x.response().trailers.empty());

  x.origin({401, {}, ""});
  x.request(post("application/grpc-web", message("ask")));
  EXPECT_EQ(x.status(), 401);
  EXPECT_EQ(x.field("grpc-status"), "16");
  EXPECT_FALSE(x.response().has("grpc-message"));
}

TEST(GrpcWeb, WeirsOwnRepliesAreGrpcs) {
  Exchange x{filter(kConfig)};
  Reply dies;
  dies.fate = Reply::Fate::HangUp;
  x.origin(dies);
  x.request(post("application/grpc-web", message("ask")));
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.field("content-type"), "application/grpc-web+proto");
  EXPECT_EQ(x.field("grpc-status"), "14");
  EXPECT_NE(x.field("grpc-message"), "");
}

TEST(GrpcWeb, AResponseThatBreaksOffIsNotMadeWhole) {
  Exchange x{filter(kConfig)};
  Reply cut = answer(message("hello, this will be cut"));
  cut.fate = Reply::Fate::CutShort;
  x.origin(cut);
  x.request(post("application/grpc-web", message("ask"), kWantsText));
  EXPECT_TRUE(x.response().aborted);
}

TEST(GrpcWeb, ABodyWithoutTrailersEndsWhereItEnds) {
  Exchange x{filter(kConfig)};
  x.origin({200, {{"content-type", "application/grpc"}}, message("hello") + "\x01"});
  x.request(post("application/grpc-web", message("ask"), kWantsText));
  EXPECT_TRUE(x.response().complete);
  EXPECT_EQ(x.body(), base64(message("hello")) + base64("\x01"));
}

TEST(GrpcWeb, HoweverTheBodyIsSplit) {
  Exchange x{filter(kConfig)};
  x.origin(answer(message("hello") + message("you")));
  x.everySplit(post("application/grpc-web-text",
                    base64(message("a")) + base64(message("bc")) + base64(message("")),
                    kWantsText));
  x.everySplit(post("application/grpc-web-text", "AAAA=AAA"));
}

TEST(GrpcWeb, WheneverTheClientVanishes) {
  Exchange x{filter(kConfig)};
  x.origin(answer(message("hello")));
  EXPECT_GE(x.cancelAtEveryWait(post("application/grpc-web", message("ask"))), 3u);
}

TEST(Base64Pieces, WhatIsEncodedIsDecoded) {
  std::string data;
  for (int size = 0; size < 70; ++size) {
    const std::string text = base64(data);
    EXPECT_EQ(text.size(), (data.size() + 2) / 3 * 4);
    std::string back;
    Base64Decoder decoder;
    EXPECT_TRUE(decoder.decode(text, back));
    EXPECT_TRUE(decoder.atEnd());
    EXPECT_EQ(back, data);
    data += static_cast<char>(size * 37);
  }
  EXPECT_EQ(base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");  // RFC 4648's alphabet
  EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
}

}  // namespace
}  // namespace weir::filters::grpc_web
