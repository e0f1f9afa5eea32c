// What costs a peer little and us much.
#include <gtest/gtest.h>

#include "source/codec/http2/fault_rows.h"

namespace weir::codec {
namespace {

// Small limits, so that little is enough.
Http2Options smallLimits() {
  Http2Options options;
  options.max_head_bytes = 1000;
  options.max_fields = 4;
  options.max_continuations = 3;
  options.max_concurrent_streams = 2;
  options.max_resets = 3;
  options.max_inbound_priority_frames_per_stream = 2;
  options.max_inbound_window_update_frames_per_data_frame_sent = 1;
  options.max_outbound_control_frames = 5;
  options.stream_error_on_invalid_http_messaging = true;
  return options;
}

std::string times(size_t n, const std::string& what) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += what;
  return out;
}

const std::string kGet = headers(1, getBlock());
const std::string kPost = headers(1, postBlock(), false);

TEST(ServerFloods, Heads) {
  const std::string open = frame(FrameType::Headers, 0, 1, getBlock());
  const std::string piece = frame(FrameType::Continuation, 0, 1, std::string(16000, '\0'));
  // A field of 900 bytes in the table, then indexed again and again.
  const std::string bomb = getBlock() + std::string("\x40\1a\x7f\x85\6", 6) + std::string(900, 'x');
  check(
      smallLimits(),
      {
          {"a head beyond the limit",
           headers(1, getBlock() + block({{"a", std::string(1000, 'x')}})),
           "rejected 1 431 http2.headers_too_large | "},
          {"more fields than the limit",
           headers(1, getBlock() + block({{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}})),
           "rejected 1 431 http2.too_many_headers | "},
          {"a malformed field counts more",
           headers(1, getBlock() + block({{"a", std::string(1000, 'x')}, {"B", ""}})),
           "rejected 0 400 http2.invalid_header_name | RST_STREAM 1 PROTOCOL_ERROR"},
          {"trailers beyond the limit", kPost + headers(1, block({{"a", std::string(1000, 'x')}})),
           "reset 1 http2.trailers_too_large | RST_STREAM 1 ENHANCE_YOUR_CALM"},
          {"CVE-2024-27316 CONTINUATION without end",
           open + times(4, frame(FrameType::Continuation, 0, 1, "")),
           failed("http2.continuation_flood", "ENHANCE_YOUR_CALM", 0)},
          {"a block larger than any head", open + times(2, piece),
           failed("http2.header_block_too_large", "ENHANCE_YOUR_CALM", 0)},
          {"CVE-2016-1544 a header bomb", headers(1, bomb + std::string(100, '\xbe')),
           failed("http2.header_bomb", "ENHANCE_YOUR_CALM")},
          {"a small bomb is only too large", headers(1, bomb + std::string(10, '\xbe')),
           "rejected 1 431 http2.headers_too_large | "},
      });
}

TEST(ServerFloods, Frames) {
  const std::string priority = frame(FrameType::Priority, 0, 1, number32(3) + "\x01");
  std::string refused;
  std::string cancelled;
  std::string malformed;
  for (uint32_t id = 1; id < 11; id += 2) {
    refused += headers(id, postBlock(), false);
    cancelled += headers(id, getBlock()) + rstStream(id, Http2Code::Cancel);
    malformed += headers(id, getBlock(""));
  }
  check(
      smallLimits(),
      {
          {"CVE-2019-9518 empty DATA", kPost + times(2, data(1, "", false)),
           failed("http2.inbound_empty_frames_flood", "ENHANCE_YOUR_CALM")},
          {"CVE-2019-9518 padding alone",
           kPost + times(2, frame(FrameType::Data, kFlagPadded, 1, std::string("\x01x", 2))),
           failed("http2.inbound_empty_frames_flood", "ENHANCE_YOUR_CALM")},
          {"one empty DATA is fine", kPost + times(9, data(1, "", false) + data(1, "x", false)),
           "body 1 'x' | "},
          {"CVE-2019-9513 PRIORITY", times(3, priority),
           failed("http2.inbound_priority_frames_flood", "ENHANCE_YOUR_CALM", 0)},
          {"a stream allows more PRIORITY", kGet + times(4, priority), "request 1 GET / h end | "},
          {"WINDOW_UPDATE for nothing", kGet + times(8, windowUpdate(0, 1)),
           failed("http2.inbound_window_update_frames_flood", "ENHANCE_YOUR_CALM")},
          {"CVE-2019-9512 PING", times(6, pingFrame()),
           failed("http2.outbound_control_frames_flood", "ENHANCE_YOUR_CALM", 0)},
          {"CVE-2019-9515 SETTINGS", times(6, settings()),
           failed("http2.outbound_control_frames_flood", "ENHANCE_YOUR_CALM", 0)},
          {"more streams than allowed", refused.substr(0, 3 * kPost.size()),
           "request 3 POST / h | RST_STREAM 5 REFUSED_STREAM"},
          {"CVE-2019-9514 streams we refuse or reset", malformed,
           failed("http2.reset_flood", "ENHANCE_YOUR_CALM", 7)},
          {"CVE-2023-44487 rapid reset", cancelled,
           failed("http2.reset_flood", "ENHANCE_YOUR_CALM", 7)},
      });
}

// What answers cost is counted until the transport has taken them.
TEST(ServerFloods, OutboundFramesAreForgottenWhenSent) {
  Http2Options options;
  options.max_outbound_control_frames = 10;
  ServerRecorder user;
  Http2ServerSession session(options, user.pool, user);
  session.start();
  feed(session, preface());
  user.take(session);
  for (int i = 0; i < 100; ++i) {
    feed(session, pingFrame());
    user.take(session);
  }
  EXPECT_FALSE(session.failed()) << "all was sent each time";
  for (int i = 0; i < 100 && !session.failed(); ++i) {
    feed(session, pingFrame());
    session.clearOutput();
    session.onSent(40);
  }
  EXPECT_FALSE(session.failed()) << "no more than 40 bytes wait";
  size_t waiting = 40;
  int answered = 0;
  for (; answered < 100 && !session.failed(); ++answered) {
    feed(session, pingFrame());
    waiting += session.output().size();
    session.clearOutput();
    session.onSent(waiting);
  }
  EXPECT_TRUE(session.failed()) << "nothing is sent any more";
  EXPECT_LE(answered, 11);
}

// A budget of resets grows with what ends well, and by its owner's clock.
TEST(ServerFloods, ResetsAreForgivenAsStreamsEndWell) {
  Http2Options options;
  options.max_resets = 2;
  ServerRecorder user;
  Http2ServerSession session(options, user.pool, user);
  session.start();
  feed(session, preface());
  uint32_t id = 1;
  for (int i = 0; i < 50; ++i, id += 4) {
    feed(session,
         headers(id, getBlock()) + rstStream(id, Http2Code::Cancel) + headers(id + 2, getBlock()));
    answer(user, session);
    session.clearOutput();
    session.onSent(0);
  }
  EXPECT_FALSE(session.failed());
  for (int i = 0; i < 3; ++i, id += 2) {
    feed(session, headers(id, getBlock()) + rstStream(id, Http2Code::Cancel));
    if (i == 1) session.refillResets(1);
  }
  EXPECT_FALSE(session.failed());
  feed(session, headers(id, getBlock()) + rstStream(id, Http2Code::Cancel));
  EXPECT_TRUE(session.failed());
}

}  // namespace
}  // namespace weir::codec
