#include "source/codec/http2/client_session.h"

#include <gtest/gtest.h>

#include "source/codec/http2/feeding.h"
#include "source/codec/http2/recorder.h"
#include "source/codec/http2/test_frames.h"

namespace weir::codec {
namespace {

std::string response(FieldList fields = {}, std::string_view status = "200") {
  return block({{":status", status}}) + block(fields);
}

// A client whose server has said its SETTINGS.
class ClientTest : public ::testing::Test {
 protected:
  ~ClientTest() override {
    if (session) session->abandon({});
  }

  void start(std::string_view said = {}) {
    session.emplace(options, user.pool, user);
    session->start();
    session->receive(settings(said));
    user.take(*session);
  }
  RecordedStream& open(std::string_view method = "GET", bool end = true) {
    if (!session) start();
    RecordedStream& stream = user.newStream();
    RequestHead& head = stream.request;
    head.setMethod(method);
    head.scheme = "http";
    head.authority = "h:1";
    if (head.method != Method::Connect) head.path = "/";
    EXPECT_TRUE(session->open(stream, head, end));
    return stream;
  }
  std::string on(std::string_view bytes) {
    EXPECT_EQ(feed(*session, bytes), 0u);
    return user.log() + " | " + written();
  }
  std::string written() { return describe(user.take(*session)); }

  Http2Options options;
  ClientRecorder user;
  std::optional<Http2ClientSession> session;
};

TEST_F(ClientTest, PrefaceComesFirstAndRequestsNeedNotWait) {
  session.emplace(options, user.pool, user);
  session->start();
  open();
  EXPECT_EQ(written(), "PRI, SETTINGS, WINDOW_UPDATE 983041, HEADERS 1 end");
}

TEST_F(ClientTest, ResponseWithBodyAndTrailers) {
  open();
  EXPECT_EQ(written(), "HEADERS 1 end");
  EXPECT_EQ(on(headers(1, response({{"a", "b"}}), false) + data(1, "hello", false) +
               headers(1, block({{"t", "x"}}))),
            "response 1 200 a=b; body 1 'hello'; trailers 1 t=x; closed 1 | ");
}

TEST_F(ClientTest, InterimResponsesComeFirst) {
  open();
  written();
  EXPECT_EQ(on(headers(1, response({}, "100"), false) + headers(1, response({}, "103"), false) +
               headers(1, response({}, "204"))),
            "interim 1 100; interim 1 103; response 1 204 end; closed 1 | ");
}

TEST_F(ClientTest, InterimResponsesAreNotEndless) {
  open();
  written();
  for (int i = 0; i < 100; ++i) on(headers(1, response({}, "103"), false));
  EXPECT_EQ(on(headers(1, response({}, "103"), false)),
            "reset 1 http2.interim_flood | RST_STREAM 1 ENHANCE_YOUR_CALM");
}

TEST_F(ClientTest, ResponseMayEndBeforeItsRequest) {
  RecordedStream& stream = open("POST", false);
  on("");
  EXPECT_EQ(on(headers(1, response())), "response 1 200 end | ");
  session->sendBody(stream, "x", true);
  EXPECT_EQ(user.log() + " | " + written(), "closed 1 | DATA 1 'x' end");
  open("POST", false);
  on(headers(3, response()));
  EXPECT_EQ(on(rstStream(3, Http2Code::NoError)), "closed 3 | ") << "RFC 9113 §8.1";
}

TEST_F(ClientTest, ResetsSayWhetherTheRequestWasProcessed) {
  open();
  open();
  written();
  EXPECT_EQ(on(rstStream(1, Http2Code::RefusedStream) + rstStream(3, Http2Code::InternalError)),
            "reset 1 http2.remote_refuse unprocessed; reset 3 http2.remote_reset | ");
}

TEST_F(ClientTest, GoawayReturnsWhatWasNotProcessed) {  // RFC 9113 §6.8
  open();
  open();
  written();
  EXPECT_EQ(on(goaway(1, Http2Code::NoError)),
            "reset 3 http2.remote_goaway unprocessed; goaway 1 0 | ");
  EXPECT_FALSE(session->canOpen());
  EXPECT_TRUE(session->isSpent());
  EXPECT_EQ(on(headers(1, response())), "response 1 200 end; closed 1 | ");
}

TEST_F(ClientTest, StreamsAreLimitedByBothSides) {
  options.max_concurrent_streams = 3;
  start(setting(SettingId::MaxConcurrentStreams, 2));
  EXPECT_EQ(session->capacity(), 2u);
  open();
  open();
  EXPECT_FALSE(session->canOpen());
  EXPECT_FALSE(session->isSpent());
  RecordedStream& third = user.newStream();
  EXPECT_FALSE(session->open(third, third.request, true));
  EXPECT_FALSE(third.isOpen());
  on(headers(1, response()));
  EXPECT_TRUE(session->canOpen());
  on(settings(setting(SettingId::MaxConcurrentStreams, 100)));
  EXPECT_EQ(session->capacity(), 3u);
}

TEST_F(ClientTest, CapacityIsUnlimitedWhenTheServerNamesNone) {
  options.max_concurrent_streams = 5000;
  session.emplace(options, user.pool, user);
  EXPECT_EQ(session->capacity(), 100u) << "before its SETTINGS";
  session.reset();
  start();
  EXPECT_EQ(session->capacity(), 5000u);
}

TEST_F(ClientTest, UpgradeIsAnExtendedConnect) {  // RFC 8441
  start();
  RecordedStream& early = user.newStream();
  early.request.setMethod("GET");
  early.request.fields.add(HeaderId::Upgrade, "websocket");
  EXPECT_FALSE(session->open(early, early.request, false)) << "the server does not take it";
  on(settings(setting(SettingId::EnableConnectProtocol, 1)));
  RecordedStream& stream = user.newStream();
  stream.request.setMethod("GET");
  stream.request.path = "/ws";
  stream.request.authority = "h";
  stream.request.fields.add(HeaderId::Upgrade, "websocket");
  ASSERT_TRUE(session->open(stream, stream.request, false));
  EXPECT_EQ(on(headers(1, response({{"content-length", "7"}}), false)),
            "response 1 101 | HEADERS 1");
  EXPECT_EQ(on(data(1, "bye")), "body 1 'bye' end | ");
  EXPECT_TRUE(stream.isTunnel());
  session->sendBody(stream, "", true);
  EXPECT_EQ(user.log(), "closed 1");
}

TEST_F(ClientTest, UpgradeThatIsRefusedIsAnOrdinaryResponse) {
  start(setting(SettingId::EnableConnectProtocol, 1));
  RecordedStream& stream = user.newStream();
  stream.request.setMethod("GET");
  stream.request.path = "/";
  stream.request.fields.add(HeaderId::Upgrade, "websocket");
  ASSERT_TRUE(session->open(stream, stream.request, false));
  written();
  EXPECT_EQ(on(headers(1, response({}, "403"))), "response 1 403 end | ");
  EXPECT_FALSE(stream.isTunnel());
}

TEST_F(ClientTest, PausedResponseIsToldBeforeTheStreamCloses) {
  RecordedStream& stream = open();
  on(headers(1, response(), false));
  session->pause(stream);
  EXPECT_EQ(on(data(1, "abc", false) + headers(1, block({{"t", "x"}}))), " | ");
  EXPECT_EQ(session->resume(stream), "abc");
  EXPECT_EQ(user.log(), "body 1 'abc'; trailers 1 t=x; closed 1");
}

TEST_F(ClientTest, FaultsOfOneResponse) {
  struct Row {
    std::string_view method;
    std::string bytes;
    std::string expected;
  };
  options.stream_error_on_invalid_http_messaging = true;
  const auto broken = [](std::string_view reason) {
    return "reset 1 " + std::string(reason) + " | RST_STREAM 1 PROTOCOL_ERROR";
  };
  const std::vector<Row> rows = {
      {"GET", headers(1, block({{"a", "b"}})), broken("http2.missing_pseudo_header")},
      {"GET", headers(1, response({{":status", "200"}})), broken("http2.duplicate_pseudo_header")},
      {"GET", headers(1, block({{":path", "/"}})), broken("http2.unknown_pseudo_header")},
      {"GET", headers(1, response({}, "20")), broken("http2.invalid_status")},
      {"GET", headers(1, response({}, "099")), broken("http2.invalid_status")},
      {"GET", headers(1, response({}, "101"), false), broken("http2.invalid_status")},
      {"GET", headers(1, response({}, "100")), broken("http2.end_stream_in_interim")},
      {"GET", data(1, "x"), broken("http2.data_before_head")},
      {"GET", headers(1, response({{"connection", "x"}})), broken("http2.connection_header")},
      {"GET", headers(1, response({{"a", "b\rc"}})), broken("http2.invalid_header_value")},
      {"GET", headers(1, response({{"content-length", "2"}})),
       broken("http2.content_length_mismatch")},
      {"GET", headers(1, response({{"content-length", "2"}}, "204")),
       broken("http2.invalid_content_length")},
      {"GET", headers(1, response({}, "204"), false) + data(1, "x"),
       "response 1 204; " + broken("http2.content_length_mismatch")},
      {"HEAD", headers(1, response({{"content-length", "2"}})),
       "response 1 200 content-length=2 end; closed 1 | "},
      {"HEAD", headers(1, response({}), false) + data(1, "x"),
       "response 1 200; " + broken("http2.content_length_mismatch")},
      {"GET", headers(1, response({{"content-length", "2"}}, "304")),
       "response 1 304 content-length=2 end; closed 1 | "},
      {"CONNECT", headers(1, response({{"content-length", "2"}}), false) + headers(1, response()),
       "response 1 200; " + broken("http2.unexpected_trailers")},
      {"CONNECT", headers(1, response(), false) + headers(1, block({{"a", "b"}})),
       "response 1 200; " + broken("http2.unexpected_trailers")},
      {"GET", headers(1, response({{"a", std::string(70000, 'x')}}).substr(0, 16000)),
       "reset 1 http2.invalid_header_block; failed http2.invalid_header_block | "
       "GOAWAY 0 COMPRESSION_ERROR http2.invalid_header_block"},
      {"GET", headers(2, response()),
       "reset 1 http2.invalid_stream_id; failed http2.invalid_stream_id | "
       "GOAWAY 0 PROTOCOL_ERROR http2.invalid_stream_id"},
      {"GET", headers(3, response()),
       "reset 1 http2.invalid_stream_id; failed http2.invalid_stream_id | "
       "GOAWAY 0 PROTOCOL_ERROR http2.invalid_stream_id"},
      {"GET", frame(FrameType::PushPromise, kFlagEndHeaders, 1, number32(2) + getBlock()),
       "reset 1 http2.unexpected_push; failed http2.unexpected_push | "
       "GOAWAY 0 PROTOCOL_ERROR http2.unexpected_push"},
      {"GET", settings(setting(SettingId::EnablePush, 1)),
       "reset 1 http2.invalid_settings; failed http2.invalid_settings | "
       "GOAWAY 0 PROTOCOL_ERROR http2.invalid_settings"},
  };
  for (const Row& row : rows) {
    if (session) session->abandon({});
    session.reset();
    user.log();
    open(row.method, row.method != "CONNECT");
    written();
    EXPECT_EQ(on(row.bytes), row.expected) << describe(row.bytes);
  }
}

TEST_F(ClientTest, FaultsOfAResponseAre502) {
  EXPECT_EQ(errorOf(Http2Fault::InvalidStatus, MessageType::Response).status, 502);
  EXPECT_EQ(errorOf(Http2Fault::HeadersTooLarge, MessageType::Request).status, 431);
  EXPECT_EQ(errorOf(Http2Fault::RemoteReset, MessageType::Response).status, 503);
}

// What a user cancelled may still have been on its way.
TEST_F(ClientTest, FramesForACancelledRequestAreIgnored) {
  RecordedStream& stream = open();
  session->reset(stream, Http2Code::Cancel);
  EXPECT_EQ(written(), "HEADERS 1 end, RST_STREAM 1 CANCEL");
  EXPECT_EQ(on(headers(1, response(), false) + data(1, "x") + rstStream(1, Http2Code::NoError)),
            " | ");
  for (int i = 0; i < 20; ++i) session->reset(open(), Http2Code::Cancel);
  written();
  EXPECT_EQ(on(headers(1, response(), false) + data(3, "x")), " | ") << "however long ago";
}

// However a response ends, or does not.
TEST_F(ClientTest, ExpectsMoreUntilEachResponseHasEnded) {
  start();
  EXPECT_FALSE(session->expectsMore());
  open();
  RecordedStream& cancelled = open();
  open();
  open("POST", false);
  open();
  on(headers(1, response(), false) + data(1, "x"));
  on(headers(5, response()));
  session->reset(cancelled, Http2Code::Cancel);
  EXPECT_TRUE(session->expectsMore()) << "two streams";
  on(headers(7, response(), false) + headers(7, block({{"t", "x"}})));  // before its request
  EXPECT_TRUE(session->expectsMore()) << "one stream";
  on(rstStream(9, Http2Code::Cancel));
  EXPECT_FALSE(session->expectsMore());
  EXPECT_EQ(session->streamCount(), 1u) << "whose request goes on";
}

TEST_F(ClientTest, AbandonTellsEveryStream) {
  open();
  open();
  session->abandon({Http2Code::NoError, 503, "gone", false});
  const std::string told = user.log();
  EXPECT_NE(told.find("reset 1 gone"), told.npos);
  EXPECT_NE(told.find("reset 3 gone"), told.npos);
  EXPECT_EQ(session->streamCount(), 0u);
}

}  // namespace
}  // namespace weir::codec
