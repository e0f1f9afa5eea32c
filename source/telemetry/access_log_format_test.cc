#include "source/telemetry/access_log_format.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "source/telemetry/access_log_json.h"
#include "source/telemetry/sample_stream.h"

namespace weir::telemetry {
namespace {

std::string format(std::string_view text, const StreamInfo& info, bool omit_empty = false) {
  auto compiled = AccessLogFormat::compile(text, omit_empty);
  if (!compiled) return compiled.error().text;
  std::string line;
  compiled->append(line, info);
  return line;
}

std::string format(std::string_view text) { return format(text, SampleStream().info); }

TEST(AccessLogFormat, defaultLineIsEnvoys) {
  SampleStream sample;
  std::string line;
  AccessLogFormat::envoyDefault().append(line, sample.info);
  EXPECT_EQ(line,
            "[2016-04-15T20:17:00.310Z] \"GET /api/v1?a=1&b=%20x HTTP/1.1\" 200 - 154 1024 26 17 "
            "\"10.1.2.3\" \"curl/8.0\" \"2fd5b3c1-94fa-41fd-ad85-f277d1e3778c\" \"example.com\" "
            "\"10.0.0.1:443\"\n");
}

TEST(AccessLogFormat, defaultLineOfARequestThatNeverGotAnywhere) {
  StreamInfo info;
  std::string line;
  AccessLogFormat::envoyDefault().append(line, info);
  EXPECT_EQ(
      line,
      "[1970-01-01T00:00:00.000Z] \"- - HTTP/1.1\" 0 - 0 0 - - \"-\" \"-\" \"-\" \"-\" \"-\"\n");
}

struct Row {
  std::string_view format;
  std::string_view expected;
};

class Operators : public testing::TestWithParam<Row> {};

TEST_P(Operators, printsWhatEnvoyPrints) {
  EXPECT_EQ(format(GetParam().format), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Operators,
    testing::Values(
        Row{"%%", "%"}, Row{"100%%%RESPONSE_CODE%", "100%200"}, Row{"", ""},
        Row{"plain\n", "plain\n"}, Row{"%START_TIME(%s.%3f)%", "1460751420.310"},
        Row{"%START_TIME(%s)%", "1460751420"},
        Row{"%START_TIME(%6f|%9f|%f|%1f)%", "310042|310042007|310042007|3"},
        Row{"%START_TIME(%Y/%m/%dT%H:%M:%S%z)%", "2016/04/15T20:17:00+0000"},
        Row{"%START_TIME(%E3S %E*S %Ez %E4Y %E6f%ET%Z %%)%",
            "00.310 00.310042007 +00:00 2016 310042TUTC %"},
        Row{"%START_TIME(%)%", "%"}, Row{"%REQ(USER-AGENT)%", "curl/8.0"},
        Row{"%REQ(user-agent):4%", "curl"}, Row{"%REQ(X-NONE)%", "-"},
        Row{"%REQ(X-NONE?:PATH)%", "/api/v1?a=1&b=%20x"}, Row{"%REQ(X-TWICE)%", "first"},
        Row{"%REQ(HOST)% %REQ(:SCHEME)%", "example.com http"},
        Row{"%REQUEST_HEADER(:METHOD)%", "GET"}, Row{"%REQ(:STATUS)%", "-"},
        Row{"%RESP(:STATUS)%", "200"}, Row{"%RESP(CONTENT-TYPE):4%", "text"},
        Row{"%RESPONSE_HEADER(X-NO?CONTENT-TYPE)%", "text/plain"},
        Row{"%TRAILER(X-CHECKSUM)% %RESPONSE_TRAILER(X)%", "abc -"},
        Row{"%REQ_WITHOUT_QUERY(:PATH)%", "/api/v1"}, Row{"%PATH%", "/api/v1?a=1&b=%20x"},
        Row{"%PATH(NQ:PATH):4%", "/api"}, Row{"%PATH(WQ:ORIG)%", "-"}, Row{"%QUERY_PARAM(a)%", "1"},
        Row{"[%QUERY_PARAM(b)%]", "[ x]"}, Row{"%QUERY_PARAM(c)%", "-"},
        Row{"%QUERY_PARAMS%", "a=1&b=%20x"}, Row{"%QUERY_PARAMS(DECODED)%", "a=1&b= x"},
        Row{"%UPSTREAM_PROTOCOL%", "HTTP/1.1"}, Row{"%RESPONSE_CODE_DETAILS%", "via_upstream"},
        Row{"%BYTES_RECEIVED%/%BYTES_SENT%", "154/1024"},
        Row{"%DOWNSTREAM_WIRE_BYTES_RECEIVED% %DOWNSTREAM_WIRE_BYTES_SENT%", "500 1300"},
        Row{"%DOWNSTREAM_HEADER_BYTES_RECEIVED% %DOWNSTREAM_HEADER_BYTES_SENT%", "320 250"},
        Row{"%UPSTREAM_WIRE_BYTES_RECEIVED% %UPSTREAM_WIRE_BYTES_SENT%", "1200 540"},
        Row{"%UPSTREAM_HEADER_BYTES_RECEIVED% %UPSTREAM_HEADER_BYTES_SENT%", "240 360"},
        Row{"%RESPONSE_TRAILERS_BYTES%", "13"}, Row{"%RESPONSE_HEADERS_BYTES%", "63"},
        Row{"%REQUEST_HEADERS_BYTES%", "179"},
        Row{"%DURATION% %REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% "
            "%RESPONSE_TX_DURATION%",
            "26 1 3 20 5"},
        Row{"%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:us)%", "20400"},
        Row{"%COMMON_DURATION(US_RX_BEG:US_TX_BEG:us)%", "-18250"},
        Row{"%COMMON_DURATION(DS_RX_BEG:US_CX_END:ms)%", "-"},
        Row{"%COMMON_DURATION(US_TX_BEG:US_TX_END:ns)%", "1000000"},
        Row{"%UPSTREAM_HOST% %UPSTREAM_HOST_NAME% %UPSTREAM_HOST_NAME_WITHOUT_PORT%",
            "10.0.0.1:443 10.0.0.1:443 10.0.0.1"},
        Row{"%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW% %ROUTE_NAME% %VIRTUAL_HOST_NAME%",
            "backend backend api main"},
        Row{"%UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %UPSTREAM_LOCAL_PORT%",
            "10.0.0.9:40000 10.0.0.9 40000"},
        Row{"%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)% %UPSTREAM_REMOTE_PORT%", "10.0.0.0/8 443"},
        Row{"%UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_HOSTS_ATTEMPTED%",
            "2 10.0.0.2:443,10.0.0.1:443"},
        Row{"%UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%", "10.0.0.2,10.0.0.1"},
        Row{"%UPSTREAM_HOST_NAMES_ATTEMPTED%", "b.example:443,a.example:443"},
        Row{"%UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%", "b.example,a.example"},
        Row{"%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_PORT%", "10.1.2.3:0 -"},
        Row{"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(15)%", "10.0.0.0/15"},
        Row{"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "[2001:db8::1]:4711"},
        Row{"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(33)%", "2001:db8::/33"},
        Row{"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(16)%", "2001::/16"},
        Row{"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%", "127.0.0.1:8080 8080"},
        Row{"%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(64)%", "-"},  // no IPv4 address has 64 bits
        Row{"%CONNECTION_ID% %STREAM_ID%", "7 2fd5b3c1-94fa-41fd-ad85-f277d1e3778c"},
        Row{"%REQUESTED_SERVER_NAME%", "-"},
        Row{"%REQUESTED_SERVER_NAME(SNI_FIRST:HOST)%", "example.com"},
        Row{"%REQUESTED_SERVER_NAME(HOST_FIRST)%", "example.com"},
        Row{"%ACCESS_LOG_TYPE%", "DownstreamEnd"}, Row{"%GRPC_STATUS% %GRPC_STATUS_NUMBER%", "- -"},
        Row{"%TRACE_ID% %DYNAMIC_METADATA(a:b):5%", "- -"},
        Row{"%ENVIRONMENT(WEIR_NO_SUCH_VARIABLE)%", "-"},
        Row{"%CONNECTION_TERMINATION_DETAILS%", "-"},
        Row{"%COALESCE({\"operators\":[\"REQUESTED_SERVER_NAME\",{\"command\":\"REQ\",\"param\":\":"
            "authority\"}]}):4%",
            "exam"},
        Row{"%COALESCE({\"operators\":[{\"command\":\"REQ\",\"param\":\"x\"},\"BYTES_SENT\"]})%",
            "1024"}));

class Refused : public testing::TestWithParam<Row> {};

TEST_P(Refused, saysWhereAndWhat) { EXPECT_EQ(format(GetParam().format), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Rows, Refused,
    testing::Values(
        Row{"a %RESPONSE_COD% b",
            "at position 2: 'RESPONSE_COD' is not a command operator; did you mean "
            "'RESPONSE_CODE'?"},
        Row{"%NOTHING_LIKE_THIS_ANYWHERE%",
            "at position 0: 'NOTHING_LIKE_THIS_ANYWHERE' is not a command operator"},
        Row{"%", "at position 0: '%' starts no operator; write '%%' for a percent sign"},
        Row{"50% off", "at position 2: '%' starts no operator; write '%%' for a percent sign"},
        Row{"%REQ(a%", "at position 4: '(' is not closed"},
        Row{"%REQ%", "at position 0: REQ needs a parameter in ()"},
        Row{"%REQ(a b)%", "at position 0: REQ: 'a b' is not a header name"},
        Row{"%REQ(a):x%", "at position 7: ':' is not followed by a length"},
        Row{"%REQ(a):99999999999%", "at position 7: ':' is not followed by a length"},
        Row{"%PROTOCOL", "at position 0: operator 'PROTOCOL' is not ended by '%'"},
        Row{"%PROTOCOL(x)%", "at position 0: PROTOCOL takes no parameter"},
        Row{"%PATH(XX)%", "at position 0: PATH: unknown option 'XX'"},
        Row{"%COMMON_DURATION(a:b)%",
            "at position 0: COMMON_DURATION: expected START:END:PRECISION"},
        Row{"%COMMON_DURATION(a:b:m)%",
            "at position 0: COMMON_DURATION: unknown precision 'm', expected ms, us or ns"},
        Row{"%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(129)%",
            "at position 0: DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: mask length '129' is not a "
            "number from 0 to 128"},
        Row{"%COALESCE({)%", "at position 0: COALESCE: the parameter is not JSON"},
        Row{"%COALESCE({\"operators\":[\"REQ\"]})%",
            "at position 0: COALESCE: REQ needs a parameter in ()"},
        Row{"%COALESCE({\"operators\":[{\"command\":\"COALESCE\",\"param\":\"{}\"}]})%",
            "at position 0: COALESCE: cannot stand inside another COALESCE"}));

TEST(AccessLogFormat, flagsAreJoinedInTheirOrder) {
  SampleStream sample;
  sample.info.flags.set(ResponseFlag::UpstreamRetryLimitExceeded);
  sample.info.flags.set(ResponseFlag::UpstreamConnectionFailure);
  EXPECT_EQ(format("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", sample.info),
            "UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded");
}

TEST(AccessLogFormat, detailsLoseTheirSpaces) {
  SampleStream sample;
  sample.info.details = "upstream reset";
  EXPECT_EQ(
      format("%RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", sample.info),
      "upstream_reset upstream reset");
}

TEST(AccessLogFormat, omittedValuesPrintNothing) {
  EXPECT_EQ(format("[%REQ(x-none)%] %RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%|",
                   SampleStream().info, true),
            "[] - |");
}

TEST(AccessLogFormat, unixAddressesHaveNoPort) {
  SampleStream sample;
  sample.info.upstream_host = "/run/app:1.sock";
  EXPECT_EQ(format("%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%",
                   sample.info),
            "/run/app:1.sock /run/app:1.sock -");
}

TEST(AccessLogFormat, grpcStatusComesFromTrailersHeadOrHttp) {
  SampleStream sample;
  sample.request.fields.add(HeaderId::ContentType, "application/grpc+proto");
  sample.info.response_code = 503;
  constexpr std::string_view kFormat =
      "%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)%";
  EXPECT_EQ(format(kFormat, sample.info), "Unavailable UNAVAILABLE 14");
  sample.response.fields.add(HeaderId::GrpcStatus, "5");
  EXPECT_EQ(format(kFormat, sample.info), "NotFound NOT_FOUND 5");
  sample.trailers.add(HeaderId::GrpcStatus, "42");
  EXPECT_EQ(format(kFormat, sample.info), "42 42 42");
}

TEST(AccessLogFormat, environmentIsReadWhenCompiled) {
  setenv("WEIR_LOG_TEST", "abcdef", 1);
  auto compiled = AccessLogFormat::compile("%ENVIRONMENT(WEIR_LOG_TEST):3%");
  unsetenv("WEIR_LOG_TEST");
  ASSERT_TRUE(compiled);
  std::string line;
  compiled->append(line, StreamInfo{});
  EXPECT_EQ(line, "abc");
}

TEST(AccessLogFormat, uniqueIdsDiffer) {
  const std::string ids = format("%UNIQUE_ID%%UNIQUE_ID%");
  ASSERT_EQ(ids.size(), 72u);
  EXPECT_NE(ids.substr(0, 36), ids.substr(36));
  EXPECT_EQ(ids[14], '4');
}

TEST(AccessLogFormat, listsWhatIsAlwaysEmpty) {
  auto compiled = AccessLogFormat::compile(
      "%TRACE_ID% %PROTOCOL% %FILTER_STATE(a:PLAIN):3% %COALESCE({\"operators\":[\"SPAN_ID\"]})%");
  ASSERT_TRUE(compiled);
  EXPECT_EQ(compiled->unsupported(),
            (std::vector<std::string>{"%TRACE_ID%", "%FILTER_STATE(a:PLAIN):3%",
                                      "%COALESCE({\"operators\":[\"SPAN_ID\"]})%"}));
}

JsonTemplate text(std::string value) {
  JsonTemplate made;
  made.kind = JsonTemplate::Kind::Text;
  made.text = std::move(value);
  return made;
}

JsonTemplate object(std::vector<std::pair<std::string, JsonTemplate>> members) {
  JsonTemplate made;
  made.kind = JsonTemplate::Kind::Object;
  for (auto& [key, value] : members) {
    made.keys.push_back(key);
    made.items.push_back(std::move(value));
  }
  return made;
}

std::string json(const JsonTemplate& root, const StreamInfo& info, bool omit_empty = false) {
  auto compiled = AccessLogJson::compile(root, omit_empty);
  if (!compiled) return compiled.error().field + ": " + compiled.error().text;
  std::string line;
  compiled->append(line, info);
  return line;
}

TEST(AccessLogJson, singleOperatorsKeepTheirType) {
  JsonTemplate list;
  list.kind = JsonTemplate::Kind::List;
  list.items = {text("%BYTES_SENT%"), JsonTemplate{}};
  JsonTemplate five;
  five.kind = JsonTemplate::Kind::Number;
  five.number = 5;
  JsonTemplate yes;
  yes.kind = JsonTemplate::Kind::Bool;
  yes.boolean = true;
  EXPECT_EQ(
      json(object({{"z", text("%DURATION%")},
                   {"a", text("%REQ(USER-AGENT)%")},
                   {"mixed", text("x%RESPONSE_CODE%y%REQ(no)%")},
                   {"none", text("%REQ(no)%")},
                   {"flags", text("%RESPONSE_FLAGS%")},
                   {"n",
                    object({{"list", list}, {"five", five}, {"yes", yes}, {"t", text("a\"%%")}})}}),
           SampleStream().info),
      "{\"a\":\"curl/"
      "8.0\",\"flags\":\"-\",\"mixed\":\"x200y-\",\"n\":{\"five\":5,\"list\":[1024,null],"
      "\"t\":\"a\\\"%\",\"yes\":true},\"none\":null,\"z\":26}\n");
}

TEST(AccessLogJson, omitsMembersAndObjectsWithoutValues) {
  const JsonTemplate root = object({{"q", text("%REQ(no)%")},
                                    {"d", text("%DURATION%")},
                                    {"m", text("a%REQ(no)%b")},
                                    {"n", object({{"x", text("%REQ(no)%")}})}});
  EXPECT_EQ(json(root, SampleStream().info, true), "{\"d\":26,\"m\":\"ab\"}\n");
  EXPECT_EQ(json(object({{"q", text("%REQ(no)%")}}), SampleStream().info, true), "{}\n");
}

TEST(AccessLogJson, escapesWhatClientsSend) {
  SampleStream sample;
  sample.request.fields.add("x-evil", "a\"b\\c/d\t\xc3\xa9\xff\xed\xa0\x80");
  EXPECT_EQ(json(object({{"e", text("%REQ(x-evil)%")}}), sample.info),
            "{\"e\":\"a\\\"b\\\\c/d\\t\xc3\xa9\\u00ff\\u00ed\\u00a0\\u0080\"}\n");
}

TEST(AccessLogJson, errorsNameTheMember) {
  EXPECT_EQ(json(object({{"a", object({{"b", text("%PROTOCL%")}})}}), StreamInfo{}),
            "a.b: at position 0: 'PROTOCL' is not a command operator; did you mean 'PROTOCOL'?");
  EXPECT_EQ(json(text("x"), StreamInfo{}), ": a JSON format is an object");
  JsonTemplate deep = text("x");
  for (int i = 0; i < 40; ++i) deep = object({{"k", std::move(deep)}});
  EXPECT_NE(json(deep, StreamInfo{}).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace weir::telemetry
