#include "source/codec/http2/server_session.h"

#include <gtest/gtest.h>

#include "source/codec/http2/recorder.h"
#include "source/codec/http2/test_frames.h"

namespace weir::codec {
namespace {

// A server past its preface. Frames are given as bytes, and what it wrote is text.
class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override {
    if (session) session->abandon({});
  }

  void start() {
    session.emplace(options, user.pool, user);
    session->start();
    session->receive(preface());
    EXPECT_EQ(user.log(), "");
    user.take(*session);
  }
  // What the user is told and what the peer gets: "told | written".
  std::string on(std::string_view bytes) {
    if (!session) start();
    EXPECT_EQ(session->receive(bytes), bytes.size());
    return user.log() + " | " + written();
  }
  std::string written() { return describe(user.take(*session)); }
  void respond(size_t index, uint16_t status, bool end) {
    RecordedStream& stream = user.at(index);
    ResponseHead head(stream.arena);
    head.status = status;
    session->sendHead(stream, head, end);
  }

  Http2Options options;
  ServerRecorder user;
  std::optional<Http2ServerSession> session;
};

TEST_F(ServerTest, PrefaceIsSettingsAndTheConnectionsWindow) {
  session.emplace(options, user.pool, user);
  session->start();
  EXPECT_TRUE(user.output_wanted);
  EXPECT_EQ(written(), "SETTINGS, WINDOW_UPDATE 983041");
  EXPECT_EQ(on(preface()), " | SETTINGS ack");
}

TEST_F(ServerTest, RequestWithoutBodyAndItsResponse) {
  EXPECT_EQ(on(headers(1, getBlock("/a?b"))), "request 1 GET /a?b h end | ");
  EXPECT_EQ(user.at(0).request.scheme, "http");
  EXPECT_EQ(user.at(0).request.protocol, Protocol::Http2);
  respond(0, 200, false);
  session->sendBody(user.at(0), "hello", true);
  EXPECT_EQ(user.log(), "closed 1");
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 'hello' end");
  EXPECT_EQ(session->streamCount(), 0u);
}

TEST_F(ServerTest, CrumbsAreOneCookie) {  // RFC 9113 §8.2.3
  EXPECT_EQ(
      on(headers(1, getBlock() +
                        block({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", ""}}))),
      "request 1 GET / h cookie=a=1; b=2 x=y end | ");
}

TEST_F(ServerTest, BodyAndTrailersAreToldAsTheyCome) {
  EXPECT_EQ(on(headers(1, postBlock(), false) + data(1, "ab", false) + data(1, "cd", false)),
            "request 1 POST / h; body 1 'ab'; body 1 'cd' | ");
  EXPECT_EQ(on(headers(1, block({{"x", "y"}, {"date", "dropped"}}))), "trailers 1 x=y | ");
  respond(0, 204, true);
  EXPECT_EQ(user.log(), "closed 1");
}

TEST_F(ServerTest, EndOfRequestMayBeAnEmptyFrame) {
  EXPECT_EQ(on(headers(1, postBlock(), false) + data(1, "", true)),
            "request 1 POST / h; body 1 '' end | ");
}

TEST_F(ServerTest, PaddingIsTakenOffAndGivenBack) {
  options.initial_stream_window = 1000;
  const std::string padded = std::string(1, '\xff') + "body" + std::string(255, '\0');
  const std::string block_padded = std::string(1, '\x03') + postBlock() + std::string(3, '\0');
  EXPECT_EQ(
      on(settingsAck() + frame(FrameType::Headers, kFlagEndHeaders | kFlagPadded, 1, block_padded)),
      "request 1 POST / h | ");
  EXPECT_EQ(on(frame(FrameType::Data, kFlagPadded, 1, padded)), "body 1 'body' | ");
  EXPECT_EQ(on(frame(FrameType::Data, kFlagPadded, 1, padded)),
            "body 1 'body' | WINDOW_UPDATE 1 512");
}

// RFC 9113 §8.1: a complete response ends the stream, whatever the client still wants to say.
TEST_F(ServerTest, ResponseBeforeTheRequestEndsResetsWithNoError) {
  on(headers(1, postBlock(), false));
  respond(0, 413, true);
  EXPECT_EQ(user.log() + " | " + written(), "closed 1 | HEADERS 1 end, RST_STREAM 1 NO_ERROR");
  EXPECT_EQ(on(data(1, "late", false) + headers(1, block({{"t", "x"}})) +
               rstStream(1, Http2Code::Cancel)),
            " | ")
      << "what was under way does no harm";
}

TEST_F(ServerTest, InterimResponsesComeBeforeTheHead) {
  on(headers(1, postBlock(), false));
  ResponseHead interim(user.at(0).arena);
  interim.status = 100;
  session->sendInterim(user.at(0), interim);
  EXPECT_EQ(written(), "HEADERS 1");
}

TEST_F(ServerTest, TrailersEndTheResponse) {
  on(headers(1, getBlock()));
  respond(0, 200, false);
  session->sendBody(user.at(0), "x", false);
  Fields trailers(user.at(0).arena);
  trailers.add("grpc-status", "0");
  session->sendTrailers(user.at(0), trailers);
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 'x', HEADERS 1 end");
  on(headers(3, getBlock()));
  respond(1, 200, false);
  session->sendTrailers(user.at(1), Fields(user.at(1).arena));
  EXPECT_EQ(written(), "HEADERS 3, DATA 3 '' end") << "a block without fields is no trailers";
}

// RFC 9113 §6.9: DATA goes as far as both windows allow, and the rest waits.
TEST_F(ServerTest, BodyWaitsForTheStreamsWindow) {
  on(settings(setting(SettingId::InitialWindowSize, 3)) + headers(1, getBlock()));
  respond(0, 200, false);
  session->sendBody(user.at(0), "hello world", true);
  EXPECT_TRUE(session->congested(user.at(0)));
  EXPECT_EQ(session->window(user.at(0)), 0u);
  EXPECT_EQ(user.at(0).unsent(), 8u);
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 'hel'");
  EXPECT_EQ(on(windowUpdate(1, 4)), " | DATA 1 'lo w'");
  EXPECT_EQ(on(settings(setting(SettingId::InitialWindowSize, 5))), " | SETTINGS ack, DATA 1 'or'");
  EXPECT_EQ(on(settings(setting(SettingId::InitialWindowSize, 0)) + windowUpdate(1, 5)),
            " | SETTINGS ack")
      << "the window was negative";
  EXPECT_EQ(on(windowUpdate(1, 100)), "closed 1 | DATA 1 'ld' end");
}

TEST_F(ServerTest, StreamsShareTheConnectionsWindowFrameByFrame) {
  on(settings(setting(SettingId::InitialWindowSize, 1 << 20)) + headers(1, getBlock()) +
     headers(3, getBlock()));
  const std::string big(60000, 'x');
  respond(0, 200, false);
  respond(1, 200, false);
  session->sendBody(user.at(0), big, false);
  session->sendBody(user.at(1), big, true);
  EXPECT_EQ(written(),
            "HEADERS 1, HEADERS 3, DATA 1 [16384], DATA 1 [16384], DATA 1 [16384], DATA 1 [10848], "
            "DATA 3 [5535]");
  session->sendBody(user.at(0), big, false);
  EXPECT_EQ(on(windowUpdate(0, 65535)),
            " | DATA 3 [16384], DATA 1 [16384], DATA 3 [16384], DATA 1 [16383]");
  EXPECT_EQ(
      on(windowUpdate(0, 1 << 20)),
      "closed 3; writable 1 | DATA 3 [16384], DATA 1 [16384], DATA 3 [5313] end, DATA 1 [10849]");
}

TEST_F(ServerTest, TrailersWaitBehindTheBody) {
  on(settings(setting(SettingId::InitialWindowSize, 1)) + headers(1, getBlock()));
  respond(0, 200, false);
  session->sendBody(user.at(0), "ab", false);
  Fields trailers(user.at(0).arena);
  trailers.add("grpc-status", "0");
  trailers.add("connection", "close");
  session->sendTrailers(user.at(0), trailers);
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 'a'");
  EXPECT_EQ(on(windowUpdate(1, 1)), "closed 1 | DATA 1 'b', HEADERS 1 end");
}

TEST_F(ServerTest, ResetDropsWhatWaits) {
  on(settings(setting(SettingId::InitialWindowSize, 1)) + headers(1, getBlock()));
  respond(0, 200, false);
  session->sendBody(user.at(0), "ab", false);
  session->reset(user.at(0), Http2Code::InternalError);
  EXPECT_EQ(user.log(), "");
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 'a', RST_STREAM 1 INTERNAL_ERROR");
  EXPECT_EQ(on(windowUpdate(1, 100)), " | ");
  session->sendBody(user.at(0), "more", true);
  EXPECT_EQ(written(), "") << "a stream that is not open takes nothing";
}

TEST_F(ServerTest, WindowOpensAsBytesAreConsumed) {
  options.initial_stream_window = 100;
  on(settingsAck() + headers(1, postBlock(), false));
  EXPECT_EQ(on(data(1, std::string(60, 'x'), false)), "body 1 60 | ");
  session->consume(user.at(0), 49);
  EXPECT_EQ(written(), "");
  session->consume(user.at(0), 11);
  EXPECT_EQ(written(), "WINDOW_UPDATE 1 60");
  EXPECT_EQ(on(data(1, std::string(101, 'x'), false)),
            "reset 1 http2.flow_control_violated | RST_STREAM 1 FLOW_CONTROL_ERROR");
}

TEST_F(ServerTest, ConnectionsWindowIsGivenBackWhateverBecomesOfTheStream) {
  options.initial_connection_window = 65535;
  const std::string piece(16000, 'x');
  on(headers(1, postBlock(), false) + data(1, piece, false) + data(1, piece, false));
  session->reset(user.at(0), Http2Code::Cancel);
  EXPECT_EQ(written(), "RST_STREAM 1 CANCEL");
  EXPECT_EQ(on(data(1, piece, false)), " | WINDOW_UPDATE 48000");
}

TEST_F(ServerTest, ConnectionsWindowIsEnforced) {
  options.initial_connection_window = 65535;
  options.initial_stream_window = 1 << 20;
  const std::string piece(16384, 'x');
  on(headers(1, postBlock(), false));
  const std::string all = data(1, piece, false) + data(1, piece, false) + data(1, piece, false);
  user.quiet_bodies = true;
  EXPECT_EQ(on(all + data(1, piece, false)),
            "reset 1 http2.flow_control_violated; failed http2.flow_control_violated | "
            "GOAWAY 1 FLOW_CONTROL_ERROR http2.flow_control_violated");
}

TEST_F(ServerTest, PausedStreamKeepsWhatComesAndOthersGoOn) {
  on(headers(1, postBlock(), false));
  session->pause(user.at(0));
  EXPECT_EQ(on(data(1, "ab", false) + data(1, "cd", false) + headers(1, block({{"t", "x"}})) +
               headers(3, getBlock())),
            "request 3 GET / h end | ");
  const std::string held = session->resume(user.at(0));
  EXPECT_EQ(held, "abcd");
  EXPECT_EQ(user.log(), "body 1 'abcd'; trailers 1 t=x");
}

TEST_F(ServerTest, UpgradeIsAnExtendedConnect) {  // RFC 8441
  options.allow_connect = true;
  EXPECT_EQ(on(headers(1,
                       block({{":method", "CONNECT"},
                              {":protocol", "websocket"},
                              {":scheme", "http"},
                              {":path", "/ws"},
                              {":authority", "h"}}),
                       false)),
            "request 1 GET /ws h upgrade=websocket | ");
  EXPECT_TRUE(user.at(0).isUpgrade());
  respond(0, 101, false);
  EXPECT_TRUE(user.at(0).isTunnel());
  session->sendBody(user.at(0), "bye", true);
  EXPECT_EQ(user.log() + written(), "HEADERS 1, DATA 1 'bye' end") << "half-closed, not reset";
  EXPECT_EQ(on(data(1, "me too")), "body 1 'me too' end; closed 1 | ");
}

TEST_F(ServerTest, ConnectIsATunnelOnceAccepted) {
  const std::string connect = block({{":method", "CONNECT"}, {":authority", "h:443"}});
  EXPECT_EQ(on(headers(1, connect, false)), "request 1 CONNECT  h:443 | ");
  respond(0, 200, false);
  session->sendBody(user.at(0), "", true);
  EXPECT_EQ(written(), "HEADERS 1, DATA 1 '' end");
  EXPECT_EQ(on(data(1, "x", false)), "body 1 'x' | ");
  on(headers(3, connect + block({{"content-length", "0"}}), false));
  respond(1, 403, true);
  EXPECT_EQ(written(), "HEADERS 3 end, RST_STREAM 3 NO_ERROR") << "refused: no tunnel";
}

TEST_F(ServerTest, ShutdownInTwoStepsLetsOpenStreamsEnd) {  // RFC 9113 §6.8
  on(headers(1, getBlock()));
  session->announceShutdown();
  EXPECT_EQ(written(), "GOAWAY 2147483647 NO_ERROR");
  EXPECT_EQ(on(headers(3, getBlock())), "request 3 GET / h end | ");
  session->shutdown();
  EXPECT_EQ(written(), "GOAWAY 3 NO_ERROR");
  EXPECT_EQ(on(headers(5, postBlock(), false) + data(5, "x")), " | ");
  respond(0, 200, true);
  respond(1, 200, true);
  EXPECT_EQ(user.log(), "closed 1; closed 3");
  EXPECT_EQ(session->streamCount(), 0u);
}

TEST_F(ServerTest, PingIsAnsweredAndOursIsHeardOf) {
  EXPECT_EQ(on(pingFrame()), " | PING ack");
  session->ping(7);
  EXPECT_EQ(written(), "PING");
  EXPECT_EQ(on(pingFrame(std::string(7, '\0') + "\x07", kFlagAck)), "pong 7 | ");
}

TEST_F(ServerTest, ResetOfThePeerIsTold) {
  on(headers(1, getBlock()));
  EXPECT_EQ(on(rstStream(1, Http2Code::Cancel)), "reset 1 http2.remote_reset | ");
}

// A request that is refused, but is HTTP, gets an answer.
TEST_F(ServerTest, RefusedHeadsCanBeAnswered) {
  options.max_fields = 1;
  EXPECT_EQ(on(headers(1, postBlock() + block({{"a", "1"}, {"b", "2"}}), false)),
            "rejected 1 431 http2.too_many_headers | ");
  EXPECT_EQ(on(data(1, "dropped", false)), " | ");
  respond(0, 431, true);
  EXPECT_EQ(user.log() + " | " + written(), "closed 1 | HEADERS 1 end, RST_STREAM 1 NO_ERROR");
}

TEST_F(ServerTest, MalformedHeadsCostTheConnectionOrTheStream) {
  const std::string bad = headers(1, getBlock() + block({{"Upper", "x"}}));
  EXPECT_EQ(on(bad),
            "rejected 0 400 http2.invalid_header_name; failed http2.invalid_header_name | "
            "GOAWAY 1 PROTOCOL_ERROR http2.invalid_header_name");
  EXPECT_TRUE(session->failed());
  EXPECT_EQ(on(headers(3, getBlock())), " | ") << "nothing is read any more";
  session.reset();
  options.stream_error_on_invalid_http_messaging = true;
  EXPECT_EQ(on(bad), "rejected 0 400 http2.invalid_header_name | RST_STREAM 1 PROTOCOL_ERROR");
  EXPECT_EQ(on(headers(3, getBlock())), "request 3 GET / h end | ");
}

TEST_F(ServerTest, OutputIsAskedForOnceATurn) {
  on(headers(1, getBlock()));
  EXPECT_FALSE(user.output_wanted);
  respond(0, 200, false);
  EXPECT_TRUE(user.output_wanted);
  user.output_wanted = false;
  session->sendBody(user.at(0), "x", true);
  EXPECT_FALSE(user.output_wanted);
}

}  // namespace
}  // namespace weir::codec
