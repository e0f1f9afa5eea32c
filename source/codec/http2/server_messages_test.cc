// Malformed messages (RFC 9113 §8.1.1) as stream errors, and what is odd but legal.
#include <gtest/gtest.h>

#include "source/codec/http2/fault_rows.h"

namespace weir::codec {
namespace {

const std::string kPost = headers(1, postBlock(), false);
const std::string kPost5 = headers(1, postBlock() + block({{"content-length", "5"}}), false);

std::string request(FieldList fields) { return headers(1, getBlock() + block(fields)); }

std::string pseudo(FieldList fields) { return headers(1, block(fields)); }

// A head that is malformed; a stream that turns out to be.
std::string reset(std::string_view reason) {
  return "rejected 0 400 " + std::string(reason) + " | RST_STREAM 1 PROTOCOL_ERROR";
}

std::string broken(std::string_view reason) {
  return "reset 1 " + std::string(reason) + " | RST_STREAM 1 PROTOCOL_ERROR";
}

Http2Options streamErrors() {
  Http2Options options;
  options.stream_error_on_invalid_http_messaging = true;
  return options;
}

TEST(ServerMessages, NamesAndValues) {
  check(
      streamErrors(),
      {
          {"8.2.1 upper case", request({{"Name", "x"}}), reset("http2.invalid_header_name")},
          {"8.2.1 upper case of a common name", request({{"Cookie", "x"}}),
           reset("http2.invalid_header_name")},
          {"8.2.1 an empty name", request({{"", "x"}}), reset("http2.invalid_header_name")},
          {"8.2.1 a space in a name", request({{"a b", "x"}}), reset("http2.invalid_header_name")},
          {"8.2.1 a colon in a name", request({{"a:b", "x"}}), reset("http2.invalid_header_name")},
          {"8.2.1 CR in a name", request({{"a\rb", "x"}}), reset("http2.invalid_header_name")},
          {"8.2.1 obs-text in a name", request({{"a\xff", "x"}}),
           reset("http2.invalid_header_name")},
          {"8.2.1 CRLF in a value smuggles a field", request({{"a", "b\r\nhost: evil"}}),
           reset("http2.invalid_header_value")},
          {"8.2.1 LF in a value", request({{"a", "0123456789\n"}}),
           reset("http2.invalid_header_value")},
          {"8.2.1 NUL in a value", request({{"a", std::string_view("x\0y", 3)}}),
           reset("http2.invalid_header_value")},
          {"8.2.1 a leading space", request({{"a", " b"}}), reset("http2.invalid_header_value")},
          {"8.2.1 a trailing tab", request({{"a", "b\t"}}), reset("http2.invalid_header_value")},
          {"9110 5.5 DEL in a value",
           request({{"a",
                     "0123\x7f"
                     "4567"}}),
           reset("http2.invalid_header_value")},
          {"9110 5.5 tab and obs-text are fine", request({{"a", "b\tc\xff"}}),
           "request 1 GET / h a=b\tc\xff end | "},
      });
}

TEST(ServerMessages, FieldsOfAConnection) {
  check(streamErrors(),
        {
            {"8.2.2 connection", request({{"connection", "x"}}), reset("http2.connection_header")},
            {"8.2.2 keep-alive", request({{"keep-alive", "x"}}), reset("http2.connection_header")},
            {"8.2.2 proxy-connection", request({{"proxy-connection", "x"}}),
             reset("http2.connection_header")},
            {"8.2.2 transfer-encoding", request({{"transfer-encoding", "chunked"}}),
             reset("http2.connection_header")},
            {"8.2.2 upgrade", request({{"upgrade", "h2c"}}), reset("http2.connection_header")},
            {"8.2.2 te", request({{"te", "trailers, deflate"}}), reset("http2.invalid_te")},
            {"8.2.2 te: trailers is fine", request({{"te", "trailers"}}),
             "request 1 GET / h te=trailers end | "},
        });
}

TEST(ServerMessages, PseudoHeaders) {
  check(
      streamErrors(),
      {
          {"8.3 an unknown pseudo-header",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":x", "y"}}),
           reset("http2.unknown_pseudo_header")},
          {"8.3 a response's pseudo-header",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":status", "200"}}),
           reset("http2.unknown_pseudo_header")},
          {"8441 4 :protocol nobody allowed",
           pseudo({{":method", "CONNECT"},
                   {":protocol", "websocket"},
                   {":scheme", "http"},
                   {":path", "/"},
                   {":authority", "h"}}),
           reset("http2.unknown_pseudo_header")},
          {"8.3 after a field", request({{"a", "b"}, {":path", "/x"}}),
           reset("http2.pseudo_header_after_fields")},
          {"8.3 :method twice", request({{":method", "GET"}}),
           reset("http2.duplicate_pseudo_header")},
          {"8.3 :scheme twice", request({{":scheme", "http"}}),
           reset("http2.duplicate_pseudo_header")},
          {"8.3 :path twice", request({{":path", "/"}}), reset("http2.duplicate_pseudo_header")},
          {"8.3 :authority twice", request({{":authority", "h"}}),
           reset("http2.duplicate_pseudo_header")},
          {"8.3.1 no :method", pseudo({{":scheme", "http"}, {":path", "/"}, {":authority", "h"}}),
           reset("http2.missing_pseudo_header")},
          {"8.3.1 no :scheme", pseudo({{":method", "GET"}, {":path", "/"}, {":authority", "h"}}),
           reset("http2.missing_pseudo_header")},
          {"8.3.1 no :path", pseudo({{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}}),
           reset("http2.missing_pseudo_header")},
      });
}

TEST(ServerMessages, TargetsAndHosts) {
  check(
      streamErrors(),
      {
          {"8.3.1 an empty :path", headers(1, getBlock("")), reset("http2.invalid_path")},
          {"8.3.1 a relative :path", headers(1, getBlock("x")), reset("http2.invalid_path")},
          {"8.3.1 * is for OPTIONS", headers(1, getBlock("*")), reset("http2.invalid_path")},
          {"8.3.1 OPTIONS *",
           pseudo(
               {{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}, {":authority", "h"}}),
           "request 1 OPTIONS * h end | "},
          {"8.3.1 a space in :path would split a request line", headers(1, getBlock("/ HTTP/1.1")),
           reset("http2.invalid_path")},
          {"8.3.1 CRLF in :path", headers(1, getBlock("/\r\nx: y")),
           reset("http2.invalid_header_value")},
          {"8.3.1 a fragment", headers(1, getBlock("/#x")), reset("http2.invalid_path")},
          {"8.3.1 obs-text in :path", headers(1, getBlock("/\xff")), reset("http2.invalid_path")},
          {"8.3.1 :method is a token",
           pseudo({{":method", "GE T"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}}),
           reset("http2.invalid_method")},
          {"8.3.1 another scheme",
           pseudo({{":method", "GET"}, {":scheme", "ftp"}, {":path", "/"}, {":authority", "h"}}),
           reset("http2.invalid_scheme")},
          {"8.3.1 userinfo",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "u@h"}}),
           reset("http2.invalid_authority")},
          {"8.3.1 an empty :authority",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", ""}}),
           reset("http2.invalid_authority")},
          {"8.3.1 host names another", request({{"host", "evil"}}), reset("http2.host_mismatch")},
          {"8.3.1 host says the same", request({{"host", "H"}}), "request 1 GET / h end | "},
          {"8.3.1 host twice", request({{"host", "h"}, {"host", "h"}}),
           reset("http2.duplicate_host")},
          {"8.3.1 host in place of :authority",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "h:80"}}),
           "request 1 GET / h:80 end | "},
          {"8.3.1 neither is refused, not malformed",
           pseudo({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}),
           "rejected 1 400 http2.missing_host | "},
          {"8.5 CONNECT with :path",
           pseudo({{":method", "CONNECT"}, {":path", "/"}, {":authority", "h:1"}}),
           reset("http2.invalid_connect")},
          {"8.5 CONNECT without a port", pseudo({{":method", "CONNECT"}, {":authority", "h"}}),
           reset("http2.invalid_authority")},
          {"9110 9.3.6 CONNECT with a body",
           pseudo({{":method", "CONNECT"}, {":authority", "h:1"}, {"content-length", "1"}}),
           reset("http2.invalid_content_length")},
          {"8.5 CONNECT without :authority", pseudo({{":method", "CONNECT"}}),
           reset("http2.missing_pseudo_header")},
          {"9110 10.1.1 another expectation", request({{"expect", "x"}}),
           "rejected 1 417 http2.expectation_failed | "},
      });
}

TEST(ServerMessages, Lengths) {
  check(streamErrors(),
        {
            {"8.1.1 content-length of a request without body", request({{"content-length", "1"}}),
             reset("http2.content_length_mismatch")},
            {"8.1.1 content-length 0", request({{"content-length", "0"}}),
             "request 1 GET / h content-length=0 end | "},
            {"9110 8.6 no number", request({{"content-length", "+1"}}),
             reset("http2.invalid_content_length")},
            {"9110 8.6 beyond 2^63-1", request({{"content-length", "9223372036854775808"}}),
             reset("http2.invalid_content_length")},
            {"9110 8.6 twice, though equal",
             request({{"content-length", "0"}, {"content-length", "0"}}),
             reset("http2.duplicate_content_length")},
            {"8.1.1 less DATA", kPost5 + data(1, "1234"), broken("http2.content_length_mismatch")},
            {"8.1.1 more DATA", kPost5 + data(1, "1234", false) + data(1, "56"),
             broken("http2.content_length_mismatch")},
            {"8.1.1 less DATA, then trailers",
             kPost5 + data(1, "1234", false) + headers(1, block({{"a", "b"}})),
             broken("http2.content_length_mismatch")},
            {"8.1.1 just as much",
             kPost5 + data(1, "1234", false) +
                 frame(FrameType::Data, kFlagPadded | kFlagEndStream, 1,
                       std::string("\x01"
                                   "5x",
                                   3)),
             "body 1 '5' end | "},
        });
}

TEST(ServerMessages, Trailers) {
  check(streamErrors(),
        {
            {"8.1 trailers that do not end", kPost + headers(1, block({{"a", "b"}}), false),
             broken("http2.trailers_without_end")},
            {"8.1 a pseudo-header in trailers", kPost + headers(1, block({{":path", "/"}})),
             broken("http2.unknown_pseudo_header")},
            {"9110 6.5.1 framing in trailers", kPost + headers(1, block({{"content-length", "1"}})),
             broken("http2.forbidden_trailer")},
            {"9110 6.5.1 host in trailers", kPost + headers(1, block({{"host", "h"}})),
             broken("http2.forbidden_trailer")},
            {"8.2.2 connection in trailers", kPost + headers(1, block({{"connection", "x"}})),
             broken("http2.connection_header")},
        });
}

}  // namespace
}  // namespace weir::codec
