// Any bytes as what a client sends. Byte 0 is how they arrive, byte 1 the options, then a byte n
// and n bytes of what the server does of itself; the rest follows the client's preface.
#include "test/fuzz/http2_actions.h"
#include "test/fuzz/http2_invariants.h"

namespace weir::fuzz {
namespace {

class Server final : public FuzzUser<codec::Http2ServerUser> {
 public:
  Place onRequestBegin() override {
    FuzzStream& stream = streams.emplace_back(pool);
    return {stream, stream.request};
  }
  void onRequest(Http2Stream& stream, bool end) override {
    FuzzStream& mine = told(stream, end);
    mine.head_told = true;
    const RequestHead& head = mine.request;
    requireForwardable(head.fields);
    require(!head.fields.has(HeaderId::Host), "host is the authority");
    require(head.fields.has(HeaderId::Upgrade) == stream.isUpgrade(), "upgrade");
    require(isToken(head.method_name), "method");
    require(codec::isAuthority(head.authority), "authority");
    const bool plain_connect = head.method == Method::Connect;
    require(plain_connect == head.path.empty(), "only CONNECT has no path");
    for (char c : head.path) require(c > ' ' && c < 0x7f, "a path is one word");
    require(plain_connect || head.scheme == "http" || head.scheme == "https", "scheme");
  }
  void onRequestRejected(Http2Stream& stream, const Http2Error& error) override {
    require(error.status >= 400, "a rejection has a status");
    FuzzStream& mine = of(stream);
    if (!stream.isOpen()) mine.over = true;
    rejected.push_back(&mine);
  }

  std::vector<FuzzStream*> rejected;
};

codec::Http2Options optionsOf(uint8_t bits) {
  codec::Http2Options options;
  options.stream_error_on_invalid_http_messaging = (bits & 1) != 0;
  options.allow_connect = (bits & 2) != 0;
  if ((bits & 4) != 0) options.initial_stream_window = 1000;
  if ((bits & 8) != 0) options.header_table_size = 128;
  if ((bits & 16) != 0) options.max_head_bytes = 300;
  if ((bits & 32) != 0) options.max_concurrent_streams = 2;
  if ((bits & 64) != 0) options.max_fields = 5;
  return options;
}

void respond(codec::Http2ServerSession& session, FuzzStream& stream, Actions& actions) {
  ResponseHead head(stream.arena);
  head.status = actions.next() % 2 == 0 ? 200 : 101;
  head.fields.add("content-type", "text/plain");
  session.sendHead(stream, head, actions.next() % 2 == 0);
}

void run(std::string_view bytes, uint8_t pattern, uint8_t bits, std::string_view doings) {
  const codec::Http2Options options = optionsOf(bits);
  Server user;
  codec::Http2ServerSession session(options, user.pool, user);
  Actions actions(doings);
  std::string written;
  session.start();
  const std::string all = std::string(codec::kClientPreface) + std::string(bytes);
  std::vector<size_t> ends = pieceEnds(pattern, all.size());
  ends.push_back(all.size());
  size_t at = 0;
  size_t answered = 0;
  for (size_t end : ends) {
    // Memory of the exact size lets ASan see any read past the end.
    const std::vector<char> offer(all.begin() + static_cast<ptrdiff_t>(at),
                                  all.begin() + static_cast<ptrdiff_t>(end));
    at += session.receive({offer.data(), offer.size()});
    require(at <= end, "takes what there is");
    takeOutput(user, session, written);
    for (; answered < user.streams.size(); ++answered) {
      if (actions.next() % 4 != 0) respond(session, user.streams[answered], actions);
    }
    for (size_t i = user.streams.size(); i-- > 0 && i + 4 > user.streams.size();) {
      act(session, user.streams[i], actions);
    }
    session.onSent(0);
  }
  require(session.failed() == user.failed, "a failure is told");
  session.abandon({codec::Http2Code::NoError, 503, "gone", false});
  for (FuzzStream& stream : user.streams) require(!stream.isOpen(), "nothing is left");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  const size_t doings = std::min<size_t>(data[2], size - 3);
  const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  weir::fuzz::run(rest.substr(doings), data[0], data[1], rest.substr(0, doings));
  return 0;
}
