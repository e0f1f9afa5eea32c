// A BodySkipper consumes one request body without keeping it: content-length or chunked (with
// trailers), as RFC 9112 §6 frames it. It trusts the proxy in front of it and only knows what a
// proxy may legally forward; anything else is reported as bad framing.
//
// Owned by its connection, one thread. Call order: (expectLength | expectChunks) skip*, until
// done().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::bench {

class BodySkipper {
 public:
  void expectLength(std::uint64_t bytes);
  void expectChunks();

  // Takes what belongs to the body off the front of `bytes`. False on bad framing.
  bool skip(std::string_view& bytes);

  bool done() const { return state_ == State::Done; }

 private:
  enum class State : std::uint8_t { Done, Length, ChunkSize, ChunkData, ChunkEnd, Trailers };

  void skipData(std::string_view& bytes, State next);
  bool takeLine(std::string_view& bytes);
  bool applyLine();

  State state_ = State::Done;
  std::uint64_t left_ = 0;  // Bytes of the body or of the chunk.
  std::string line_;        // Chunk size, chunk end or trailer, without its CRLF.
};

}  // namespace weir::bench
