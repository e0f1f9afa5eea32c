// Any bytes as a chunked body. Byte 0 is how they arrive, byte 1 the limits and how the data are
// chunked again, the rest is the body.
#include <algorithm>

#include "source/codec/http1/decoded.h"
#include "source/codec/http1/encode.h"
#include "test/fuzz/head_invariants.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using codec::BodyDecoder;
using codec::BodyLimits;
using codec::DecodedBody;

constexpr codec::Framing kChunked{.body = codec::BodyKind::Chunked};

BodyLimits limitsFrom(uint8_t choice) {
  if (choice % 2 == 0) return {};
  return {.max_trailer_bytes = choice,
          .max_trailers = choice % 8u,
          .max_chunk_extension_bytes = choice % 32u,
          .max_free_extension_bytes = choice};
}

// The trailers of an accepted body.
void readTrailers(std::string_view bytes, const BodyLimits& limits, Fields& trailers) {
  BodyDecoder decoder;
  decoder.begin(kChunked, codec::MessageType::Request, limits);
  while (!decoder.done()) bytes.remove_prefix(decoder.step(bytes, &trailers).consumed);
}

std::string chunkAgain(std::string_view data, uint8_t choice, const Fields& trailers,
                       Arena& arena) {
  std::string out;
  char header[20];
  while (!data.empty()) {
    const size_t size = std::min<size_t>(data.size(), 1 + choice % 40u);
    out.append(header, codec::encodeChunkHeader(header, size));
    out.append(data.substr(0, size));
    out.append(codec::kChunkEnd);
    data.remove_prefix(size);
  }
  return out.append(codec::encodeTrailers(trailers, arena));
}

void run(std::string_view bytes, uint8_t pattern, uint8_t choice) {
  const BodyLimits limits = limitsFrom(choice);
  const DecodedBody whole = codec::decodeBody(kChunked, bytes, {}, limits);
  const DecodedBody pieces =
      codec::decodeBody(kChunked, bytes, pieceEnds(pattern, bytes.size()), limits);
  require(pieces.outcome == whole.outcome, "same in pieces");
  require(pieces.data == whole.data, "same data in pieces");
  require(whole.data.size() <= bytes.size(), "no data from nowhere");
  if (whole.outcome.empty() || whole.outcome[0] != '\'') return;

  ChunkPool pool;
  Arena arena(pool);
  Fields trailers(arena);
  readTrailers(bytes, limits, trailers);
  requireSaneFields(trailers);
  const std::string again = chunkAgain(whole.data, choice, trailers, arena);
  const DecodedBody second = codec::decodeBody(kChunked, again, {});
  require(second.rest == 0, "the encoded body is one body");
  require(second.data == whole.data, "same data again");
  const size_t rest = whole.outcome.rfind(" rest=");
  require(second.outcome == whole.outcome.substr(0, rest) + " rest=0", "same trailers again");
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 2, size - 2}, data[0], data[1]);
  return 0;
}
