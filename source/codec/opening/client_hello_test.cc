#include "source/codec/opening/client_hello.h"

#include <gtest/gtest.h>

#include "source/codec/opening/hello_bytes.h"

namespace weir::codec {
namespace {

using State = HelloReader::State;

State read(std::string_view bytes) { return HelloReader().read(bytes); }
State readHello(std::string_view extensions) { return read(inRecords(helloMessage(extensions))); }

std::string fullExtensions() {
  return serverNameBytes("WWW.Example.com") + alpnBytes({"h2", "http/1.1"}) +
         extensionBytes(43, withLength(std::string("\x0a\x0a\x03\x04\x03\x03", 6), 1));
}

TEST(ClientHello, tellsNameAlpnAndVersion) {
  HelloReader reader;
  ASSERT_EQ(reader.read(inRecords(helloMessage(fullExtensions()))), State::Found);
  EXPECT_EQ(reader.hello().server_name, "www.example.com");
  EXPECT_EQ(reader.hello().alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_EQ(reader.hello().version, 0x0304);
}

TEST(ClientHello, anyCutOfRecordsAndPieces) {
  const std::string message = helloMessage(fullExtensions());
  for (size_t record = 1; record <= message.size(); ++record) {
    const std::string bytes = inRecords(message, record);
    HelloReader in_bytes;
    for (size_t end = 1; end < bytes.size(); ++end) {
      ASSERT_EQ(in_bytes.read(std::string_view(bytes).substr(0, end)), State::NeedMore)
          << record << " " << end;
    }
    ASSERT_EQ(in_bytes.read(bytes), State::Found) << record;
    ASSERT_EQ(in_bytes.hello().server_name, "www.example.com");
  }
}

TEST(ClientHello, whatFollowsIsNotLookedAt) {
  const std::string bytes = inRecords(helloMessage(fullExtensions()));
  HelloReader reader;
  EXPECT_EQ(reader.read(bytes + "\x14\x03\x03 and early data"), State::Found);
  EXPECT_EQ(reader.seen(), bytes.size());
}

TEST(ClientHello, withoutExtensionsIsOne) {
  std::string message = helloMessage("");
  message.resize(message.size() - 2);
  message[3] = static_cast<char>(message[3] - 2);
  HelloReader reader;
  EXPECT_EQ(reader.read(inRecords(message)), State::Found);
  EXPECT_EQ(reader.hello().version, 0x0303);
}

TEST(ClientHello, plainTextIsToldAtTheFirstByte) {
  EXPECT_EQ(read("G"), State::NotTls);
  EXPECT_EQ(read("PRI * HTTP/2.0"), State::NotTls);
  EXPECT_EQ(read(std::string("\x80\x2e\x01", 3)), State::NotTls);  // SSL 2
  EXPECT_EQ(read("\x16"), State::NeedMore);
  EXPECT_EQ(read("\x16\x04"), State::NotTls);
}

TEST(ClientHello, otherMessagesAndRecordsAreNone) {
  std::string server_hello = helloMessage("");
  server_hello[0] = 2;
  EXPECT_EQ(read(inRecords(server_hello)), State::NotTls);
  EXPECT_EQ(read(std::string("\x16\x03\x01\x00\x00", 5)), State::NotTls);      // RFC 8446 §5.1
  EXPECT_EQ(read(std::string("\x16\x03\x01\x40\x01\x01", 6)), State::NotTls);  // too long
  EXPECT_EQ(read(inRecords(helloMessage(""), 4) + "no record"), State::Found);
  EXPECT_EQ(read(inRecords(helloMessage(""), 4).substr(0, 9) + "no record"), State::NotTls);
}

TEST(ClientHello, brokenExtensionsAreNone) {
  EXPECT_EQ(readHello(serverNameBytes("a") + serverNameBytes("b")), State::NotTls);
  EXPECT_EQ(readHello(alpnBytes({"h2"}) + alpnBytes({"h2"})), State::NotTls);
  EXPECT_EQ(readHello(serverNameBytes("")), State::NotTls);
  EXPECT_EQ(readHello(serverNameBytes(std::string("a\0.com", 6))), State::NotTls);
  EXPECT_EQ(readHello(serverNameBytes("a b")), State::NotTls);
  EXPECT_EQ(readHello(serverNameBytes(std::string(256, 'a'))), State::NotTls);
  EXPECT_EQ(readHello(alpnBytes({""})), State::NotTls);
  EXPECT_EQ(readHello(alpnBytes({})), State::NotTls);
  EXPECT_EQ(readHello("\x01"), State::NotTls);
  EXPECT_EQ(readHello(extensionBytes(43, "\x03\x03\x04")), State::NotTls);
  EXPECT_EQ(readHello(extensionBytes(99, "anything")), State::Found);
}

TEST(ClientHello, everyShorterBodyIsNone) {
  const std::string body = helloMessage(fullExtensions()).substr(4);
  for (size_t size = 0; size < body.size(); ++size) {
    if (size == 41) continue;  // exactly up to the extensions: one of old
    EXPECT_EQ(read(inRecords("\x01" + withLength(body.substr(0, size), 3))), State::NotTls) << size;
  }
}

TEST(ClientHello, sizeIsBounded) {
  const std::string padding = extensionBytes(21, std::string(2000, '\0'));
  const std::string bytes = inRecords(helloMessage(padding));
  EXPECT_EQ(HelloReader(bytes.size()).read(bytes), State::Found);
  EXPECT_EQ(HelloReader(1000).read(bytes), State::TooLarge);
  // The announced length is enough.
  EXPECT_EQ(read(std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9)), State::TooLarge);
  EXPECT_EQ(HelloReader(8).read(std::string("\x16\x03\x01\x00\x40\x01 01", 8)), State::TooLarge);
  // What stands beyond the limit changes nothing: it may not have come yet.
  EXPECT_EQ(HelloReader(8).read(std::string("\x16\x03\x01\x00\x02\x01\x00\x16\x99", 9)),
            State::TooLarge);
}

}  // namespace
}  // namespace weir::codec
