// A client and a server session joined by strings: what one writes the other reads, in pieces of
// any size, with windows of any size.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "source/codec/http2/feeding.h"
#include "source/codec/http2/recorder.h"

namespace weir::codec {
namespace {

class Pair {
 public:
  explicit Pair(const Http2Options& both)
      : options(both),
        server(options, server_user.pool, server_user),
        client(options, client_user.pool, client_user) {
    server_user.quiet_bodies = client_user.quiet_bodies = true;
    server.start();
    client.start();
  }
  ~Pair() {
    server.abandon({});
    client.abandon({});
  }

  // Until both are silent; bytes travel in pieces of `piece`.
  void exchange(size_t piece) {
    for (bool busy = true; busy;) {
      busy = pass(client_user, client, to_server, server, piece);
      busy = pass(server_user, server, to_client, client, piece) || busy;
      busy = consume(server_user, server) || busy;
      busy = consume(client_user, client) || busy;
    }
  }

  RecordedStream& request(std::string_view method, std::string_view path, bool end) {
    RecordedStream& stream = client_user.newStream();
    RequestHead& head = stream.request;
    head.setMethod(method);
    head.scheme = "https";
    head.authority = "example.com";
    head.path = path;
    head.fields.add("user-agent", "test");
    head.fields.add("x-long", std::string(30000, 'v'));
    EXPECT_TRUE(client.open(stream, head, end));
    return stream;
  }

  const Http2Options options;
  ServerRecorder server_user;
  ClientRecorder client_user;
  Http2ServerSession server;
  Http2ClientSession client;

 private:
  template <typename User>
  bool pass(User& user, Http2Session& from, std::string& kept, Http2Session& to, size_t piece) {
    const std::string fresh = user.take(from);
    std::string all = kept + fresh;
    std::vector<size_t> ends;
    for (size_t end = piece; end < all.size(); end += piece) ends.push_back(end);
    const size_t rest = feed(to, all, ends);
    kept = all.substr(all.size() - rest);
    return !fresh.empty();
  }
  // What arrived moves on, so that windows open again.
  template <typename User>
  bool consume(User& user, Http2Session& session) {
    bool any = false;
    for (RecordedStream& stream : user.streams) {
      const size_t fresh = stream.body.size() - std::min(consumed[&stream], stream.body.size());
      if (fresh == 0) continue;
      consumed[&stream] = stream.body.size();
      session.consume(stream, fresh);
      any = true;
    }
    return any;
  }

  std::string to_server;
  std::string to_client;
  std::map<const RecordedStream*, size_t> consumed;
};

std::string patternOf(size_t size, char first) {
  std::string out(size, ' ');
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(first + i % 23);
  return out;
}

// Three requests with bodies and trailers in both directions, whatever the sizes.
void runExchange(const Http2Options& options, size_t piece) {
  Pair pair(options);
  const std::string up = patternOf(100000, 'A');
  const std::string down = patternOf(70001, 'a');
  for (int i = 0; i < 3; ++i) {
    RecordedStream& stream = pair.request("POST", "/x", false);
    pair.client.sendBody(stream, up, false);
    Fields trailers(stream.arena);
    trailers.add("t", "up");
    pair.client.sendTrailers(stream, trailers);
  }
  pair.exchange(piece);
  const std::string log = pair.server_user.log();
  EXPECT_NE(log.find("request 1 POST /x example.com user-agent=test x-long=vvv"), log.npos);
  ASSERT_EQ(pair.server_user.streams.size(), 3u);
  for (RecordedStream& stream : pair.server_user.streams) {
    EXPECT_TRUE(stream.ended);
    EXPECT_TRUE(stream.body == up);
    ResponseHead head(stream.arena);
    head.fields.add("server", "weir");
    pair.server.sendHead(stream, head, false);
    pair.server.sendBody(stream, down, false);
    Fields trailers(stream.arena);
    trailers.add("t", "down");
    pair.server.sendTrailers(stream, trailers);
  }
  pair.exchange(piece);
  for (RecordedStream& stream : pair.client_user.streams) {
    EXPECT_TRUE(stream.ended);
    EXPECT_TRUE(stream.body == down);
  }
  EXPECT_EQ(pair.client.streamCount(), 0u);
  EXPECT_EQ(pair.server.streamCount(), 0u);
  EXPECT_FALSE(pair.client.failed());
  EXPECT_FALSE(pair.server.failed());
}

TEST(SessionPair, AnyPiecesAnyWindows) {
  Http2Options options;
  for (size_t piece : {size_t{1} << 20, size_t{65536}, size_t{16384}, size_t{1000}, size_t{7}}) {
    SCOPED_TRACE(piece);
    options.initial_stream_window = 64 * 1024;
    runExchange(options, piece);
  }
  for (uint32_t window : {65535u, 65536u, 20000u, 1000u, 1u << 20}) {
    SCOPED_TRACE(window);
    options.initial_stream_window = window;
    options.initial_connection_window = 65535;
    options.max_inbound_window_update_frames_per_data_frame_sent = 10;
    runExchange(options, 4096);
  }
}

TEST(SessionPair, TablesOfAnySize) {
  Http2Options options;
  for (uint32_t size : {0u, 1u, 100u, 4096u, 65536u}) {
    SCOPED_TRACE(size);
    options.header_table_size = size;
    Pair pair(options);
    for (int i = 0; i < 20; ++i) {
      pair.request("GET", "/" + std::to_string(i % 7), true);
      pair.exchange(1000);
      RecordedStream& stream = pair.server_user.streams.back();
      EXPECT_EQ(stream.request.path, "/" + std::to_string(i % 7));
      ResponseHead head(stream.arena);
      head.fields.add("x-count", std::to_string(i));
      pair.server.sendHead(stream, head, true);
      pair.exchange(1000);
      const std::string log = pair.client_user.log();
      EXPECT_NE(log.find("200 x-count=" + std::to_string(i) + " end; closed"), log.npos) << log;
    }
  }
}

// Blocks longer than a frame are continued (RFC 9113 §6.10).
TEST(SessionPair, LongBlocksAreContinued) {
  Pair pair({});
  RecordedStream& stream = pair.client_user.newStream();
  stream.request.path = "/";
  stream.request.authority = "h";
  stream.request.method_name = "GET";
  std::string value(45000, 'x');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>('!' + i * 7 % 90);
  stream.request.fields.add("a", value);
  ASSERT_TRUE(pair.client.open(stream, stream.request, true));
  pair.exchange(5000);
  ASSERT_EQ(pair.server_user.streams.size(), 1u);
  EXPECT_EQ(pair.server_user.at(0).request.fields.get("a"), value);
}

// More fields than the lines that stand on the stack.
TEST(SessionPair, ManyFields) {
  Pair pair({});
  RecordedStream& stream = pair.client_user.newStream();
  stream.request.path = "/";
  stream.request.authority = "h";
  stream.request.method_name = "GET";
  for (int i = 0; i < 100; ++i) {
    stream.request.fields.add("f" + std::to_string(i), std::to_string(i));
  }
  ASSERT_TRUE(pair.client.open(stream, stream.request, true));
  pair.exchange(5000);
  ASSERT_EQ(pair.server_user.streams.size(), 1u);
  EXPECT_EQ(pair.server_user.at(0).request.fields.size(), 100u);
  EXPECT_EQ(pair.server_user.at(0).request.fields.get("f99"), "99");
}

}  // namespace
}  // namespace weir::codec
