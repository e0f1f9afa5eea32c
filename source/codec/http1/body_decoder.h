// A BodyDecoder takes a message's body out of its framing (RFC 9112 §6 and §7). Pull style: feed
// the bytes after the head, act on each step, drop `consumed` bytes, and go on until NeedMore or
// End.
//
//   decoder.begin(framing, MessageType::Request);
//   for (;;) { auto step = decoder.step(bytes, &trailers); bytes.remove_prefix(step.consumed); … }
//
// Calls: begin (step)* [onClose]. Steps: Data* [Trailers] End, or Error; after End and after Error
// only begin. Data is a view into the input: no byte of a body is copied or kept. State is kept
// inside, so that the input may be split anywhere. Heap is used for trailers only. Not thread safe.
// O(bytes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/codec/http1/framing.h"
#include "source/codec/http1/line_ends.h"
#include "source/codec/http1/parse_error.h"
#include "weir/fields.h"

namespace weir::codec {

struct BodyLimits {
  uint32_t max_trailer_bytes = 60 * 1024;
  uint32_t max_trailers = 100;
  uint32_t max_chunk_extension_bytes = 1024;  // of one chunk
  // Extension bytes a body may have beyond as many as it has data: many small chunks with long
  // extensions cost a proxy work for no data (CVE-2023-39326).
  uint32_t max_free_extension_bytes = 16 * 1024;
};

class BodyDecoder {
 public:
  struct Step {
    enum Kind : uint8_t { NeedMore, Data, Trailers, End, Error };
    Kind kind = NeedMore;
    size_t consumed = 0;    // bytes of the input that are done with
    std::string_view data;  // of Data: never empty
    ParseError error;       // of Error
  };

  void begin(const Framing& framing, MessageType type, const BodyLimits& limits = {});

  // Trailers are appended to `trailers` (copied into its arena), less those that no trailer may be;
  // without one they are checked and dropped.
  Step step(std::string_view input, Fields* trailers = nullptr);

  // The peer closed its side: End where that ends the body, else Error (truncated).
  Step onClose();

  bool done() const { return state_ == State::Done; }
  // Bytes still to come of a Length body or of the current chunk; 0 for others.
  uint64_t remaining() const { return remaining_; }

 private:
  enum class State : uint8_t {
    Done,
    Fixed,
    UntilClose,
    SizeFirst,
    SizeMore,
    Extension,
    SizeLf,
    ChunkData,
    DataCr,
    DataLf,
    Trailers,
    Failed,
  };

  Step takeData(std::string_view input, size_t from, State after);
  Step takeTrailers(std::string_view input, size_t from, Fields* trailers);
  Fault takeFraming(char byte);
  Fault takeSize(char byte);
  Fault takeExtension(char byte);
  Fault parseTrailers(Fields* trailers);
  Step fail(Fault fault);

  State state_ = State::Done;
  MessageType type_ = MessageType::Request;
  Fault fault_ = Fault::None;
  uint8_t size_digits_ = 0;
  uint64_t remaining_ = 0;
  uint32_t extension_bytes_ = 0;  // of this chunk
  uint64_t extension_debt_ = 0;   // extension bytes not yet paid for by data
  LineEnds trailer_lines_;
  BodyLimits limits_;
  std::string trailer_bytes_;  // no heap for the usual empty trailer section
};

}  // namespace weir::codec
