// A body taken out of bytes that arrive in given pieces, and the answer as one line of text to
// compare. Used by tests and fuzz targets only.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "source/codec/http1/body_decoder.h"

namespace weir::codec {

struct DecodedBody {
  std::string outcome;  // "'data' [name=value …] rest=N", "status reason" or "incomplete"
  std::string data;
  size_t rest = 0;
};

// `bytes` become visible up to each of `ends` in turn, and then whole.
inline DecodedBody decodeBody(const Framing& framing, std::string_view bytes,
                              std::span<const size_t> ends, const BodyLimits& limits = {}) {
  ChunkPool pool;
  Arena arena(pool);
  Fields trailers(arena);
  BodyDecoder decoder;
  decoder.begin(framing, MessageType::Request, limits);
  DecodedBody out;
  size_t at = 0;
  for (size_t i = 0; i <= ends.size(); ++i) {
    const size_t end = i < ends.size() ? ends[i] : bytes.size();
    for (bool more = true; more;) {
      const BodyDecoder::Step step = decoder.step(bytes.substr(at, end - at), &trailers);
      at += step.consumed;
      switch (step.kind) {
        case BodyDecoder::Step::NeedMore:
          more = false;
          break;
        case BodyDecoder::Step::Data:
          out.data += step.data;
          break;
        case BodyDecoder::Step::Trailers:
          break;
        case BodyDecoder::Step::Error:
          out.outcome = std::to_string(step.error.status) + " " + std::string(step.error.reason);
          return out;
        case BodyDecoder::Step::End:
          out.rest = bytes.size() - at;
          out.outcome = "'" + out.data + "'";
          for (const Field& field : trailers) {
            out.outcome += " " + std::string(field.name()) + "=" + std::string(field.value());
          }
          out.outcome += " rest=" + std::to_string(out.rest);
          return out;
      }
    }
  }
  out.outcome = "incomplete";
  return out;
}

}  // namespace weir::codec
