// Any bytes as the text of a gRPC-Web request, and as messages. Byte 0 is how they arrive, the rest
// is the body.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "filters/http/grpc_web/base64_pieces.h"
#include "test/fuzz/pieces.h"
#include "weir/grpc.h"

namespace weir::fuzz {
namespace {

using filters::grpc_web::Base64Decoder;
using filters::grpc_web::Base64Encoder;

// Calls `use` with each piece.
template <typename Use>
void inPieces(std::string_view bytes, uint8_t pattern, Use use) {
  size_t from = 0;
  for (const size_t end : pieceEnds(pattern, bytes.size())) {
    use(bytes.substr(from, end - from));
    from = end;
  }
  use(bytes.substr(from));
}

// Nothing: it is not base64. `whole`: the text may end there.
std::optional<std::string> decode(std::string_view text, uint8_t pattern, bool& whole) {
  Base64Decoder decoder;
  std::string out;
  bool good = true;
  inPieces(text, pattern, [&](std::string_view piece) {
    if (good) good = decoder.decode(piece, out);
  });
  whole = good && decoder.atEnd();
  if (!good) return std::nullopt;
  return out;
}

std::string encode(std::string_view data, uint8_t pattern) {
  Base64Encoder encoder;
  std::string out;
  inPieces(data, pattern, [&](std::string_view piece) { encoder.encode(piece, out); });
  encoder.flush(out);
  return out;
}

void decodes(std::string_view text, uint8_t pattern) {
  bool whole = false;
  bool whole_in_pieces = false;
  const auto data = decode(text, 255, whole);
  require(data == decode(text, pattern, whole_in_pieces), "same data in pieces");
  require(whole == whole_in_pieces, "same end in pieces");
  if (!data) return;
  require(data->size() <= text.size() / 4 * 3, "no data from nowhere");
  // Strict: one text for one sequence of bytes, unless parts end in the middle.
  const bool one_part = text.find('=') >= text.size() - std::min<size_t>(text.size(), 2);
  if (whole && one_part) require(encode(*data, pattern) == text, "only one text is accepted");
}

void encodes(std::string_view data, uint8_t pattern) {
  const std::string text = encode(data, pattern);
  require(text == encode(data, 255), "same text in pieces");
  bool whole = false;
  require(decode(text, pattern, whole) == data && whole, "what is encoded is decoded");
}

std::vector<size_t> boundaries(std::string_view body, uint8_t pattern, uint64_t& begun) {
  grpc::Messages messages;
  std::vector<size_t> found;
  size_t at = 0;
  inPieces(body, pattern, [&](std::string_view piece) {
    while (!piece.empty()) {
      const size_t taken = messages.take(piece);
      require(taken > 0 && taken <= piece.size(), "a part of the piece");
      at += taken;
      piece.remove_prefix(taken);
      if (messages.atBoundary()) found.push_back(at);
    }
  });
  begun = messages.begun();
  return found;
}

void counts(std::string_view body, uint8_t pattern) {
  uint64_t begun = 0;
  uint64_t begun_in_pieces = 0;
  const auto whole = boundaries(body, 255, begun);
  require(whole == boundaries(body, pattern, begun_in_pieces), "same boundaries in pieces");
  require(begun == begun_in_pieces, "same count in pieces");
  const bool open = whole.empty() ? !body.empty() : whole.back() != body.size();
  require(begun == whole.size() + (open ? 1 : 0), "each message begins once and ends once");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::fuzz::decodes(bytes, data[0]);
  weir::fuzz::encodes(bytes, data[0]);
  weir::fuzz::counts(bytes, data[0]);
  return 0;
}
