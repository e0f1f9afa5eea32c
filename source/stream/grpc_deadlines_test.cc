// How long a request may take when it is a gRPC call with a deadline of its own: what the real
// Envoy 1.40 does with the same routes and heads, but where a comment says otherwise.
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "test/harness/exchange.h"

namespace weir::stream {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using test::Exchange;
using test::Reply;

constexpr std::string_view kGrpc = "application/grpc";

std::string call(std::string_view grpc_timeout, std::string_view type = kGrpc) {
  std::string head = "POST /a.B/C HTTP/1.1\r\nhost: a.test\r\ncontent-length: 0\r\ncontent-type: ";
  head.append(type);
  if (!grpc_timeout.empty()) head.append("\r\ngrpc-timeout: ").append(grpc_timeout);
  return head + "\r\n\r\n";
}

test::Config routed(std::string_view fields) {
  test::Config config = test::noFilter();
  config.withRoutes("- match: {prefix: /}\n  route: {cluster: origin, timeout: 0.3s, " +
                    std::string(fields) + "}\n");
  return config;
}

Reply never() {
  Reply reply;
  reply.fate = Reply::Fate::Never;
  return reply;
}

struct Row {
  const char* route;
  const char* asked;  // grpc-timeout
  milliseconds ends;  // 0: not within three seconds
  const char* details;
  const char* grpc_status;
  const char* told;  // grpc-timeout at the origin
};

constexpr char kDuration[] = "max_stream_duration: {max_stream_duration: 0.6s}";
constexpr char kMax[] = "max_stream_duration: {grpc_timeout_header_max: 0.5s}";
constexpr char kBoth[] =
    "max_stream_duration: {max_stream_duration: 0.4s, grpc_timeout_header_max: 0s}";
constexpr char kOffset[] =
    "max_stream_duration: {grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 0.1s}";
constexpr char kOld[] = "max_grpc_timeout: 0.5s";
constexpr char kOldOffset[] = "max_grpc_timeout: 0s, grpc_timeout_offset: 0.1s";
constexpr char kDurationOver[] = "max_duration_timeout";
constexpr char kTimeoutOver[] = "response_timeout";

const Row kRows[] = {
    // The route's timeout alone does not read the field.
    {"", "", 300ms, kTimeoutOver, "14", ""},
    {"", "2S", 300ms, kTimeoutOver, "14", "2S"},
    {"", "50m", 300ms, kTimeoutOver, "14", "50m"},
    // max_stream_duration takes the timeout's place, whatever is in it.
    {"max_stream_duration: {}", "50m", 0ms, "", "", "50m"},
    {kDuration, "", 600ms, kDurationOver, "4", "600m"},
    {kDuration, "2S", 600ms, kDurationOver, "4", "600m"},
    {kDuration, "bogus", 600ms, kDurationOver, "4", "600m"},
    {kDuration, "200m", 600ms, kDurationOver, "4", "200m"},  // Envoy tells the origin 600m
    // grpc_timeout_header_max: the caller's own deadline, at most so much.
    {kMax, "", 0ms, "", "", ""},
    {kMax, "200m", 200ms, kDurationOver, "4", "200m"},
    {kMax, "2S", 500ms, kDurationOver, "4", "500m"},
    {kMax, "0m", 1ms, kDurationOver, "4", "0m"},
    {kMax, "bogus", 0ms, "", "", "bogus"},
    {kMax, "123456789m", 0ms, "", "", "123456789m"},
    {kBoth, "", 400ms, kDurationOver, "4", "400m"},
    {kBoth, "2S", 2000ms, kDurationOver, "4", "2S"},  // Envoy writes 2000m
    {kBoth, "bogus", 400ms, kDurationOver, "4", "400m"},
    // The offset may leave nothing.
    {kOffset, "200m", 100ms, kDurationOver, "4", "100m"},
    {kOffset, "2S", 1900ms, kDurationOver, "4", "1900m"},
    {kOffset, "50m", 1ms, kDurationOver, "4", "1m"},  // Envoy tells the origin 0m
    // max_grpc_timeout: the timeout is the caller's deadline, at most so much, and 0 is none.
    {kOld, "", 500ms, kTimeoutOver, "14", "500m"},
    {kOld, "0m", 500ms, kTimeoutOver, "14", "0m"},  // Envoy tells the origin 500m
    {kOld, "200m", 200ms, kTimeoutOver, "14", "200m"},
    {kOld, "2S", 500ms, kTimeoutOver, "14", "500m"},
    {kOld, "bogus", 500ms, kTimeoutOver, "14", "500m"},
    {kOldOffset, "", 0ms, "", "", ""},
    {kOldOffset, "0m", 0ms, "", "", "0m"},
    {kOldOffset, "200m", 100ms, kTimeoutOver, "14", "100m"},
    {kOldOffset, "50m", 50ms, kTimeoutOver, "14", "50m"},
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.route << " grpc-timeout: " << row.asked;
}

TEST(GrpcDeadlines, AsEnvoyDoes) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(testing::Message() << row);
    Exchange x{routed(row.route)};
    x.origin(never());
    const SteadyTime start = x.now();
    x.request(call(row.asked));
    EXPECT_EQ(x.upstreamHeader("grpc-timeout"), row.told);
    if (row.ends.count() == 0) {
      x.advance(3s);
      EXPECT_FALSE(x.finished());
      x.vanish();
      continue;
    }
    x.finish();
    EXPECT_GE(x.now() - start, row.ends);
    EXPECT_LE(x.now() - start, row.ends + 10ms);
    EXPECT_EQ(x.status(), 200);
    EXPECT_EQ(x.details(), row.details);
    EXPECT_EQ(x.field("grpc-status"), row.grpc_status);
  }
}

TEST(GrpcDeadlines, OtherClientsGetAnHttpStatus) {
  Exchange x{routed(kMax)};
  x.origin(never());
  x.request(call("100m", "text/plain"));
  EXPECT_EQ(x.upstreamHeader("grpc-timeout"), "100m");
  x.finish();
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.body(), "downstream duration timeout");
}

TEST(GrpcDeadlines, TheOlderMaximumIsForGrpcAlone) {
  Exchange x{routed(kOld)};
  x.origin(never());
  const SteadyTime start = x.now();
  x.request(call("2S", "text/plain"));
  EXPECT_EQ(x.upstreamHeader("grpc-timeout"), "2S");
  x.finish();
  EXPECT_LE(x.now() - start, 310ms);
  EXPECT_EQ(x.status(), 504);
}

TEST(GrpcDeadlines, TheListenersDurationIsTold) {
  test::Config config = test::noFilter();
  config.withHcm("common_http_protocol_options: {max_stream_duration: 0.2s}");
  Exchange x{config};
  x.origin(never());
  x.request(call("1H"));
  EXPECT_EQ(x.upstreamHeader("grpc-timeout"), "200m");
  x.finish();
  EXPECT_EQ(x.field("grpc-status"), "4");
  EXPECT_EQ(x.field("grpc-message"), "downstream duration timeout");
}

TEST(GrpcDeadlines, EachAttemptIsToldWhatIsLeft) {
  Exchange x{
      routed("max_grpc_timeout: 0.5s, "
             "retry_policy: {retry_on: 5xx, num_retries: 1, per_try_timeout: 0.2s}")};
  x.origin(never());
  x.request(call("2S"));
  EXPECT_EQ(x.upstreamHeader("grpc-timeout"), "200m");
  EXPECT_EQ(x.upstreamHeader("x-envoy-expected-rq-timeout-ms"), "200");
  x.finish();
  EXPECT_EQ(x.originRequests(), 2u);
  EXPECT_EQ(x.details(), "upstream_per_try_timeout");
  EXPECT_EQ(x.field("grpc-status"), "14");
}

TEST(GrpcDeadlines, ARoutesDurationEndsASlowResponse) {
  Exchange x{routed("max_stream_duration: {max_stream_duration: 0.2s}")};
  Reply late{200, {}, "late"};
  late.delay = 250ms;
  x.origin(late);
  const SteadyTime start = x.now();
  x.request("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n");
  x.finish();
  EXPECT_LE(x.now() - start, 210ms);
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.details(), kDurationOver);
}

}  // namespace
}  // namespace weir::stream
