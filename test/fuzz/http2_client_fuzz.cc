// Any bytes as what a server sends, to a client with a few requests under way. Byte 0 is how they
// arrive, byte 1 the options, then a byte n and n bytes of what the client does of itself.
#include "test/fuzz/http2_actions.h"
#include "test/fuzz/http2_invariants.h"

namespace weir::fuzz {
namespace {

class Client final : public FuzzUser<codec::Http2ClientUser> {
 public:
  void onInterim(Http2Stream& stream, ResponseHead& head) override {
    require(!told(stream, false).head_told, "interim responses come first");
    require(head.status >= 100 && head.status < 200, "interim");
    requireForwardable(head.fields);
  }
  void onResponse(Http2Stream& stream, ResponseHead& head, bool end) override {
    FuzzStream& mine = told(stream, end);
    require(!mine.head_told, "one head");
    mine.head_told = true;
    require(
        (head.status >= 200 && head.status <= 999) || (head.status == 101 && stream.isUpgrade()),
        "status");
    requireForwardable(head.fields);
    require(!head.fields.has(HeaderId::Upgrade), "no upgrade but ours");
  }
  void onPeerSettings() override {}
};

codec::Http2Options optionsOf(uint8_t bits) {
  codec::Http2Options options;
  options.stream_error_on_invalid_http_messaging = (bits & 1) != 0;
  if ((bits & 2) != 0) options.initial_stream_window = 1000;
  if ((bits & 4) != 0) options.header_table_size = 0;
  if ((bits & 8) != 0) options.max_head_bytes = 300;
  return options;
}

void open(Client& user, codec::Http2ClientSession& session, Actions& actions) {
  static constexpr std::string_view kMethods[] = {"GET", "HEAD", "CONNECT", "POST"};
  FuzzStream& stream = user.streams.emplace_back(user.pool);
  RequestHead& head = stream.request;
  head.setMethod(kMethods[actions.next() % 4]);
  head.scheme = "https";
  head.authority = "h:1";
  if (head.method != Method::Connect) head.path = "/";
  if (actions.next() % 4 == 0) head.fields.add(HeaderId::Upgrade, "websocket");
  const bool may = session.canOpen();
  const bool opened = session.open(stream, head, actions.next() % 2 == 0);
  require(!opened || may, "opens only what it may");
  if (!opened) user.streams.pop_back();
}

void run(std::string_view bytes, uint8_t pattern, uint8_t bits, std::string_view doings) {
  const codec::Http2Options options = optionsOf(bits);
  Client user;
  codec::Http2ClientSession session(options, user.pool, user);
  Actions actions(doings);
  session.start();
  std::string written;
  session.output().forEachPiece([&](std::string_view piece) { written += piece; });
  require(written.starts_with(codec::kClientPreface), "the preface comes first");
  session.clearOutput();
  user.output_told = 0;
  written.clear();
  for (int i = 0; i < 3; ++i) open(user, session, actions);
  std::vector<size_t> ends = pieceEnds(pattern, bytes.size());
  ends.push_back(bytes.size());
  size_t at = 0;
  for (size_t end : ends) {
    const std::vector<char> offer(bytes.begin() + at, bytes.begin() + end);
    at += session.receive({offer.data(), offer.size()});
    require(at <= end, "takes what there is");
    takeOutput(user, session, written);
    for (size_t i = user.streams.size(); i-- > 0 && i + 4 > user.streams.size();) {
      act(session, user.streams[i], actions);
    }
    if (user.streams.size() < 40 && actions.next() % 4 == 0) open(user, session, actions);
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
