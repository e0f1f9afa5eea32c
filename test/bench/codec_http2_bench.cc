// What the HTTP/2 codec costs by itself, without sockets: time per request of a server session (a
// request of 9 fields in, a response of 6 fields and 1 KB out), of a client and a server together,
// and bytes per idle connection. For instructions run it under callgrind with two counts and take
// the difference:
//
//   valgrind --tool=callgrind --toggle-collect='*replay*' codec_http2_bench server 2000 (and 6000)
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/codec/http2/client_session.h"
#include "source/codec/http2/server_session.h"

namespace weir::codec {
namespace {

constexpr int kAtOnce = 16;  // requests that arrive together
const std::string kBody(1024, 'b');
ChunkPool worker_pool;

struct BenchStream final : Http2Stream {
  explicit BenchStream(ChunkPool& pool) : arena(pool), request(arena) {}
  Arena arena;
  RequestHead request;
};

// Streams end where they are answered; their objects go back when the turn is over.
template <typename User>
class Peer : public User {
 public:
  void onOutput() override {}
  Arena& arenaOf(Http2Stream& stream) override { return of(stream).arena; }
  void onTrailers(Http2Stream&, Fields&) override {}
  void onWritable(Http2Stream&) override {}
  void onClosed(Http2Stream& stream) override { done.emplace_back(&of(stream)); }
  void onReset(Http2Stream& stream, const Http2Error&) override { done.emplace_back(&of(stream)); }
  void onGoaway(uint32_t, Http2Code) override {}
  void onPingAck(uint64_t) override {}
  void onConnectionError(const Http2Error& error) override {
    std::fprintf(stderr, "failed: %.*s\n", static_cast<int>(error.reason.size()),
                 error.reason.data());
    std::exit(1);
  }
  static BenchStream& of(Http2Stream& stream) { return static_cast<BenchStream&>(stream); }
  void take(Http2Session& session, std::string& to) {
    to.clear();
    session.output().forEachPiece([&to](std::string_view piece) { to += piece; });
    session.clearOutput();
    session.onSent(0);
    done.clear();
  }

  ChunkPool& pool = worker_pool;
  std::vector<std::unique_ptr<BenchStream>> done;
};

class Server final : public Peer<Http2ServerUser> {
 public:
  Place onRequestBegin() override {
    auto* const stream = new BenchStream(pool);
    return {*stream, stream->request};
  }
  void onRequest(Http2Stream& stream, bool) override {
    ResponseHead head(of(stream).arena);
    head.fields.addView(HeaderId::ContentType, "text/plain");
    head.fields.addView(HeaderId::ContentLength, "1024");
    head.fields.addView(HeaderId::Date, "Sat, 21 Nov 2026 16:00:00 GMT");
    head.fields.addView(HeaderId::Server, "weir");
    head.fields.addView(HeaderId::XEnvoyUpstreamServiceTime, "3");
    session.sendHead(stream, head, false);
    session.sendBody(stream, kBody, true);
  }
  void onRequestRejected(Http2Stream&, const Http2Error& error) override {
    onConnectionError(error);
  }
  void onBody(Http2Stream& stream, std::string_view data, bool) override {
    session.consume(stream, data.size());
  }

  Http2Options options;
  Http2ServerSession session{options, pool, *this};
};

class Client final : public Peer<Http2ClientUser> {
 public:
  void onInterim(Http2Stream&, ResponseHead&) override {}
  void onResponse(Http2Stream&, ResponseHead&, bool) override {}
  void onPeerSettings() override {}
  void onBody(Http2Stream& stream, std::string_view data, bool) override {
    session.consume(stream, data.size());
  }
  void request() {
    auto* const stream = new BenchStream(pool);
    RequestHead& head = stream->request;
    head.setMethod("GET");
    head.scheme = "http";
    head.authority = "localhost:8080";
    head.path = "/index.html";
    head.fields.addView(HeaderId::UserAgent, "h2load nghttp2/1.52.0");
    head.fields.addView(HeaderId::Accept, "*/*");
    head.fields.addView(HeaderId::AcceptEncoding, "gzip, deflate");
    head.fields.addView(HeaderId::XForwardedFor, "127.0.0.1");
    head.fields.addView(HeaderId::XForwardedProto, "http");
    if (!session.open(*stream, head, true)) std::exit(1);
  }

  Http2Options options;
  Http2ClientSession session{options, pool, *this};
};

struct Connection {
  Connection() {
    server.session.start();
    client.session.start();
  }
  ~Connection() {
    server.session.abandon({});
    client.session.abandon({});
  }
  // The client's bytes for one batch of requests.
  void ask(int requests) {
    for (int i = 0; i < requests; ++i) client.request();
    client.take(client.session, up);
  }
  void answer() {
    server.session.receive(up);
    server.take(server.session, down);
  }
  void hear() { client.session.receive(down); }

  Server server;
  Client client;
  std::string up;
  std::string down;
};

double nanosecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

void measureTime(int requests) {
  Connection connection;
  double server = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int done = 0; done < requests; done += kAtOnce) {
    connection.ask(kAtOnce);
    const auto before = std::chrono::steady_clock::now();
    connection.answer();
    server += nanosecondsSince(before);
    connection.hear();
  }
  std::printf("server %.0f ns/request, client and server %.0f ns/request\n", server / requests,
              nanosecondsSince(start) / requests);
}

std::vector<std::string> record(int requests) {
  std::vector<std::string> batches;
  Connection connection;
  for (int done = 0; done < requests; done += kAtOnce) {
    connection.ask(kAtOnce);
    batches.push_back(connection.up);
    connection.answer();
    connection.hear();
  }
  return batches;
}

// The server alone, fed with what was recorded.
[[gnu::noinline]] void replay(const std::vector<std::string>& batches) {
  Server server;
  server.session.start();
  std::string out;
  server.take(server.session, out);
  for (const std::string& batch : batches) {
    server.session.receive(batch);
    server.take(server.session, out);
  }
  server.session.abandon({});
}

// The server's half of connections that had two requests. Chunks are the worker's, not theirs.
void measureMemory() {
  constexpr int kConnections = 500;
  Connection first;
  first.ask(2);
  std::vector<std::unique_ptr<Server>> servers;
  servers.reserve(kConnections);
  std::string down;
  down.reserve(65536);
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < kConnections; ++i) {
    Server& server = *servers.emplace_back(std::make_unique<Server>());
    server.session.start();
    server.take(server.session, down);
    server.session.receive(first.up);
    server.take(server.session, down);
    server.done.shrink_to_fit();
  }
  const size_t used = mallinfo2().uordblks - before;
  std::printf("idle server session: %zu bytes, %zu of them the object\n", used / kConnections,
              sizeof(Http2ServerSession));
  for (auto& server : servers) server->session.abandon({});
}

}  // namespace
}  // namespace weir::codec

int main(int argc, char** argv) {
  const int requests = argc > 2 ? std::atoi(argv[2]) : 200000;
  if (argc > 1 && std::strcmp(argv[1], "server") == 0) {
    weir::codec::replay(weir::codec::record(requests));
    return 0;
  }
  weir::codec::measureMemory();
  for (int i = 0; i < 3; ++i) weir::codec::measureTime(requests);
  return 0;
}
