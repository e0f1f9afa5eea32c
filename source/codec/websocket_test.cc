#include "source/codec/websocket.h"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() : request_(arena_), response_(arena_) {}

  ChunkPool chunks_;
  Arena arena_{chunks_};
  RequestHead request_;
  ResponseHead response_;
};

TEST_F(WebSocketTest, TheAnswerIsThatOfTheRfc) {  // RFC 6455 §1.3
  EXPECT_EQ(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ==", arena_), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_F(WebSocketTest, AKeyIsSixteenBytesAndNeverTheSame) {
  request_.fields.add(kWebSocketKey, "old");
  setWebSocketKey(request_);
  const std::string first(*request_.fields.get(kWebSocketKey));
  setWebSocketKey(request_);
  const std::string second(*request_.fields.get(kWebSocketKey));
  EXPECT_EQ(request_.fields.size(), 1u);
  EXPECT_EQ(first.size(), 24u);
  EXPECT_EQ(first.substr(22), "==");
  EXPECT_NE(first, second);
}

TEST_F(WebSocketTest, OnlyItsOwnAnswerFitsAKey) {
  EXPECT_FALSE(answersWebSocketKey(request_, response_));
  request_.fields.add(kWebSocketKey, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_FALSE(answersWebSocketKey(request_, response_));
  response_.fields.add(kWebSocketAccept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(answersWebSocketKey(request_, response_));
  request_.fields.set(*HeaderName::parse(kWebSocketKey), "AGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_FALSE(answersWebSocketKey(request_, response_));
}

TEST_F(WebSocketTest, OtherProtocolsAreNoWebSocket) {
  request_.fields.add(HeaderId::Upgrade, "WebSocket");
  EXPECT_FALSE(asksWebSocket(request_));  // RFC 9110 §7.8: Connection does not name it
  request_.upgrade = true;
  EXPECT_TRUE(asksWebSocket(request_));
  request_.fields.set(HeaderId::Upgrade, "tcp");
  EXPECT_FALSE(asksWebSocket(request_));
}

}  // namespace
}  // namespace weir::codec
