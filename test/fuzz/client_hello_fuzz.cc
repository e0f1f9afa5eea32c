// Any bytes as the beginning of a connection: the ClientHello they hold, and the HTTP version.
// Byte 0 is how they arrive, byte 1 the most that is read.
#include "source/codec/opening/client_hello.h"
#include "source/codec/opening/first_line.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using codec::FirstLine;
using codec::HelloReader;
using State = HelloReader::State;

void requireSane(const codec::ClientHello& hello, size_t size) {
  require(hello.version >> 8 == 3 || hello.version == 0, "a version of TLS");
  require(hello.server_name.size() <= 255, "a name of bounded length");
  for (const char c : hello.server_name) {
    require(c > ' ' && c < 0x7f && !(c >= 'A' && c <= 'Z'), "a name in lower case");
  }
  size_t alpn = 0;
  for (const std::string& name : hello.alpn) {
    require(!name.empty() && name.size() <= 255, "an ALPN name has 1 to 255 bytes");
    alpn += name.size();
  }
  require(alpn + hello.server_name.size() <= size, "nothing from nowhere");
}

void run(std::string_view bytes, uint8_t pattern, uint8_t choice) {
  const size_t most = choice == 0 ? HelloReader::kMaxSize : 64u * choice;
  HelloReader whole(most);
  const State state = whole.read(bytes);
  if (state == State::Found) requireSane(whole.hello(), bytes.size());
  require(whole.seen() <= bytes.size(), "looks at what there is");

  HelloReader pieces(most);
  State in_pieces = State::NeedMore;
  FirstLine line = FirstLine::NeedMore;
  auto ends = pieceEnds(pattern, bytes.size());
  ends.push_back(bytes.size());
  for (const size_t end : ends) {
    const std::string_view so_far = bytes.substr(0, end);
    if (in_pieces == State::NeedMore) in_pieces = pieces.read(so_far);
    if (line == FirstLine::NeedMore) line = codec::classifyHttp(so_far);
  }
  if (state != State::TooLarge) require(in_pieces == state, "the same in pieces");
  if (state == State::Found) {
    require(pieces.hello().server_name == whole.hello().server_name, "the same name in pieces");
    require(pieces.hello().alpn == whole.hello().alpn, "the same ALPN in pieces");
    require(line == FirstLine::NotHttp, "TLS is no HTTP");
  }
  require(line != FirstLine::NeedMore || bytes.size() < codec::kLongestFirstLine, "an end");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 2, size - 2}, data[0], data[1]);
  return 0;
}
