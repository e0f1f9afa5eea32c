// Frames that RFC 9113 forbids, and what becomes of the connection.
#include <gtest/gtest.h>

#include "source/codec/http2/fault_rows.h"

namespace weir::codec {
namespace {

using F = FrameType;
constexpr uint8_t kEnd = kFlagEndHeaders | kFlagEndStream;
const std::string kGet = headers(1, getBlock());
const std::string kPost = headers(1, postBlock(), false);

TEST(ServerFrames, StreamStates) {
  check(
      {},
      {
          {"4.1 an unknown type is ignored",
           std::string("\0\0\2\xee\xff\x80\0\0\1xx", 11) + pingFrame(), " | PING ack"},
          {"4.2 longer than we allow", frame(F::Data, 0, 1, std::string(16385, 'x')),
           failed("http2.frame_too_large", "FRAME_SIZE_ERROR", 0)},
          {"5.1 DATA on an idle stream", data(1, "x"),
           failed("http2.frame_on_idle_stream", "PROTOCOL_ERROR", 0)},
          {"5.1 RST_STREAM on an idle stream", rstStream(1, Http2Code::Cancel),
           failed("http2.frame_on_idle_stream", "PROTOCOL_ERROR", 0)},
          {"5.1 WINDOW_UPDATE on an idle stream", windowUpdate(1, 1),
           failed("http2.frame_on_idle_stream", "PROTOCOL_ERROR", 0)},
          {"5.1 PRIORITY on an idle stream", frame(F::Priority, 0, 9, number32(7) + "\x01"), " | "},
          {"5.1 DATA after the end", kGet + data(1, "x"),
           "reset 1 http2.stream_closed | RST_STREAM 1 STREAM_CLOSED"},
          {"5.1 HEADERS after the end", kGet + kGet,
           "reset 1 http2.stream_closed | RST_STREAM 1 STREAM_CLOSED"},
          {"5.1 DATA after the peer's reset", kGet + rstStream(1, Http2Code::Cancel) + data(1, "x"),
           failed("http2.frame_on_closed_stream", "STREAM_CLOSED")},
          {"5.1 HEADERS after the peer's reset", kGet + rstStream(1, Http2Code::Cancel) + kGet,
           failed("http2.frame_on_closed_stream", "STREAM_CLOSED")},
          {"5.1 the rest may follow a reset",
           kGet + rstStream(1, Http2Code::Cancel) + windowUpdate(1, 1) +
               rstStream(1, Http2Code::Cancel),
           "reset 1 http2.remote_reset | "},
          {"5.1.1 an even stream", headers(2, getBlock()),
           failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
          {"5.1.1 a lower stream", headers(5, getBlock()) + headers(3, getBlock()),
           failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 5)},
          {"5.1.1 DATA on a skipped stream", headers(5, getBlock()) + data(3, "x"),
           failed("http2.frame_on_closed_stream", "STREAM_CLOSED", 5)},
      });
}

TEST(ServerFrames, Priorities) {
  check({}, {
                {"7540 5.3.1 HEADERS that depend on themselves",
                 frame(F::Headers, kEnd | kFlagPriority, 1, number32(1) + "\x01" + getBlock()),
                 " | RST_STREAM 1 PROTOCOL_ERROR"},
                {"7540 5.3.1 PRIORITY that depends on itself",
                 kPost + frame(F::Priority, 0, 1, number32(1) + "\x01"),
                 "reset 1 http2.self_dependency | RST_STREAM 1 PROTOCOL_ERROR"},
                {"7540 5.3.1 on an idle stream", frame(F::Priority, 0, 1, number32(1) + "\x01"),
                 failed("http2.self_dependency", "PROTOCOL_ERROR", 0)},
                {"6.3 PRIORITY on stream 0", frame(F::Priority, 0, 0, "12345"),
                 failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
                {"6.3 PRIORITY of another size", kPost + frame(F::Priority, 0, 1, "1234"),
                 failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR")},
            });
}

TEST(ServerFrames, DataAndHeaders) {
  check({},
        {
            {"6.1 DATA on stream 0", data(0, "x"),
             failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
            {"6.1 more padding than payload", kPost + frame(F::Data, kFlagPadded, 1, "\x05xxxx"),
             failed("http2.invalid_padding", "PROTOCOL_ERROR")},
            {"6.1 all padding is fine",
             kPost + frame(F::Data, kFlagPadded | kFlagEndStream, 1, std::string("\x04xxxx", 5)),
             "body 1 '' end | "},
            {"6.1 padded without a length", kPost + frame(F::Data, kFlagPadded, 1),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR")},
            {"6.2 HEADERS on stream 0", headers(0, getBlock()),
             failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
            {"6.2 more padding than payload", frame(F::Headers, kEnd | kFlagPadded, 1, "\x05xxxx"),
             failed("http2.invalid_padding", "PROTOCOL_ERROR", 0)},
            {"6.2 padded without a length", frame(F::Headers, kEnd | kFlagPadded, 1),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
            {"6.2 too short for its priority", frame(F::Headers, kEnd | kFlagPriority, 1, "1234"),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
            {"6.2 another frame inside a block",
             frame(F::Headers, kFlagEndStream, 1, getBlock()) + pingFrame(),
             failed("http2.continuation_expected", "PROTOCOL_ERROR", 0)},
            {"6.2 another stream inside a block",
             frame(F::Headers, kFlagEndStream, 1, getBlock()) + headers(3, getBlock()),
             failed("http2.continuation_expected", "PROTOCOL_ERROR", 0)},
            {"6.10 CONTINUATION of nothing", frame(F::Continuation, kFlagEndHeaders, 1, getBlock()),
             failed("http2.unexpected_continuation", "PROTOCOL_ERROR", 0)},
            {"6.10 CONTINUATION after a whole block",
             kPost + frame(F::Continuation, kFlagEndHeaders, 1, getBlock()),
             failed("http2.unexpected_continuation", "PROTOCOL_ERROR")},
            {"6.10 a block in pieces",
             frame(F::Headers, kFlagEndStream, 1, getBlock().substr(0, 9)) +
                 frame(F::Continuation, 0, 1, getBlock().substr(9, 9)) +
                 frame(F::Continuation, kFlagEndHeaders, 1, getBlock().substr(18)),
             "request 1 GET / h end | "},
        });
}

TEST(ServerFrames, ResetsAndSettings) {
  check({},
        {
            {"6.4 RST_STREAM on stream 0", rstStream(0, Http2Code::Cancel),
             failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
            {"6.4 RST_STREAM of another size", kPost + frame(F::RstStream, 0, 1, "123"),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR")},
            {"6.5 SETTINGS on a stream", frame(F::Settings, 0, 1),
             failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
            {"6.5 an acknowledgement with payload", frame(F::Settings, kFlagAck, 0, "123456"),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
            {"6.5 SETTINGS of another size", frame(F::Settings, 0, 0, "12345"),
             failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
            {"6.5 an acknowledgement of nothing", settingsAck() + settingsAck(),
             failed("http2.unexpected_settings_ack", "PROTOCOL_ERROR", 0)},
            {"6.5.2 ENABLE_PUSH 2", settings(setting(SettingId::EnablePush, 2)),
             failed("http2.invalid_settings", "PROTOCOL_ERROR", 0)},
            {"6.5.2 a window beyond 2^31-1",
             settings(setting(SettingId::InitialWindowSize, 1u << 31)),
             failed("http2.invalid_window_setting", "FLOW_CONTROL_ERROR", 0)},
            {"6.5.2 MAX_FRAME_SIZE below 16384", settings(setting(SettingId::MaxFrameSize, 16383)),
             failed("http2.invalid_settings", "PROTOCOL_ERROR", 0)},
            {"6.5.2 MAX_FRAME_SIZE beyond 2^24-1",
             settings(setting(SettingId::MaxFrameSize, 1 << 24)),
             failed("http2.invalid_settings", "PROTOCOL_ERROR", 0)},
            {"8441 3 ENABLE_CONNECT_PROTOCOL 2",
             settings(setting(SettingId::EnableConnectProtocol, 2)),
             failed("http2.invalid_settings", "PROTOCOL_ERROR", 0)},
            {"6.5.2 an unknown setting is ignored", settings(setting(SettingId{0xff}, 1)),
             " | SETTINGS ack"},
        });
}

TEST(ServerFrames, Connection) {
  check({}, {
                {"6.6 PUSH_PROMISE",
                 kGet + frame(F::PushPromise, kFlagEndHeaders, 1, number32(2) + getBlock()),
                 failed("http2.unexpected_push", "PROTOCOL_ERROR")},
                {"6.7 PING on a stream", frame(F::Ping, 0, 1, "12345678"),
                 failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
                {"6.7 PING of another size", frame(F::Ping, 0, 0, "1234567"),
                 failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
                {"6.8 GOAWAY on a stream", frame(F::Goaway, 0, 1, "12345678"),
                 failed("http2.invalid_stream_id", "PROTOCOL_ERROR", 0)},
                {"6.8 GOAWAY too short", frame(F::Goaway, 0, 0, "1234567"),
                 failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
                {"6.9 an increment of 0", windowUpdate(0, 0),
                 failed("http2.zero_window_update", "PROTOCOL_ERROR", 0)},
                {"6.9 an increment of 0 for a stream", kPost + windowUpdate(1, 0),
                 "reset 1 http2.zero_window_update | RST_STREAM 1 PROTOCOL_ERROR"},
                {"6.9 WINDOW_UPDATE of another size", frame(F::WindowUpdate, 0, 0, "123"),
                 failed("http2.invalid_frame_size", "FRAME_SIZE_ERROR", 0)},
                {"6.9.1 a window beyond 2^31-1", windowUpdate(0, kMaxWindow),
                 failed("http2.window_overflow", "FLOW_CONTROL_ERROR", 0)},
                {"6.9.1 a stream's window beyond 2^31-1", kPost + windowUpdate(1, kMaxWindow),
                 "reset 1 http2.window_overflow | RST_STREAM 1 FLOW_CONTROL_ERROR"},
                {"6.9.2 a setting that makes a window too large",
                 kPost + windowUpdate(1, 1 << 30) +
                     settings(setting(SettingId::InitialWindowSize, kMaxWindow)),
                 failed("http2.invalid_window_setting", "FLOW_CONTROL_ERROR")},
            });
}

TEST(ServerFrames, HeaderBlocks) {
  check({},
        {
            {"7541 6.1 index 0", headers(1, "\x80"),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
            {"7541 2.3.3 an index beyond the tables", headers(1, "\xfe"),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
            {"7541 4.2 a table update at the end", headers(1, getBlock() + "\x3f\x01"),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
            {"7541 6.3 a table larger than allowed", headers(1, "\x3f\xe2\x1f" + getBlock()),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
            {"7541 5.2 Huffman with zeros for padding",
             headers(1, getBlock() + std::string("\0\1x\x81\x18", 5)),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
            {"7541 a block that ends in a field", headers(1, getBlock() + std::string("\0\5ab", 4)),
             failed("http2.invalid_header_block", "COMPRESSION_ERROR")},
        });
}

TEST(ServerFrames, Preface) {
  const auto start = [](std::string_view bytes) {
    const Http2Options options;
    ServerRecorder user;
    Http2ServerSession session(options, user.pool, user);
    session.start();
    user.take(session);
    feed(session, bytes);
    return user.log() + " | " + describe(user.take(session));
  };
  EXPECT_EQ(start("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"), " | ");
  EXPECT_EQ(start("PRI * HTTP/2.0\r\n\r\nSX"), failed("http2.bad_preface", "PROTOCOL_ERROR", 0));
  EXPECT_EQ(start("GET / HTTP/1.1\r\n\r\n"), failed("http2.bad_preface", "PROTOCOL_ERROR", 0));
  const std::string magic(kClientPreface);
  const std::string expected = failed("http2.settings_expected", "PROTOCOL_ERROR", 0);
  EXPECT_EQ(start(magic + pingFrame()), expected);
  EXPECT_EQ(start(magic + settingsAck()), expected);
  EXPECT_EQ(start(magic + headers(1, getBlock())), expected);
}

}  // namespace
}  // namespace weir::codec
