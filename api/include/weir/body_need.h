// What a filter wants of a body: of every message, as its Plan says, or of this one, as it answers
// in Verdict::gather().
#pragma once

#include <cstdint>

namespace weir {

// Whole: the chain stops at this filter's place until the message is complete (more than `limit`
// bytes: 413 on a request, 500 on a response), then calls its head hook with
// Stream::requestBody()/responseBody() filled; a chunked message gets a content-length. Prefix: the
// same, but a longer message is no error: the hook is called as soon as there are `limit` bytes
// (with at least these), and the rest follows when it lets pass.
struct BodyNeed {
  enum class Kind : uint8_t { None, Stream, Whole };
  Kind kind = Kind::None;
  uint64_t limit = 0;
  bool partial = false;  // of Whole: a prefix will do

  static constexpr BodyNeed none() { return {}; }
  static constexpr BodyNeed stream() { return {Kind::Stream, 0}; }
  static constexpr BodyNeed whole(uint64_t limit) { return {Kind::Whole, limit}; }
  static constexpr BodyNeed prefix(uint64_t limit) { return {Kind::Whole, limit, true}; }
};

}  // namespace weir
