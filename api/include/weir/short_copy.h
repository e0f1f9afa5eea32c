// copyShort is memcpy for names and values of header fields: mostly less than 32 bytes, where two
// words that overlap in the middle cost less than a call.
#pragma once

#include <cstddef>
#include <cstring>

namespace weir {

// Word <= size <= 2 * Word. Both words are read before either is written.
template <size_t Word>
inline void copyEnds(char* to, const char* from, size_t size) {
  char head[Word];
  char tail[Word];
  std::memcpy(head, from, Word);
  std::memcpy(tail, from + size - Word, Word);
  std::memcpy(to, head, Word);
  std::memcpy(to + size - Word, tail, Word);
}

[[gnu::always_inline]] inline void copyShort(char* to, const char* from, size_t size) {
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    copyEnds<16>(to, from, size);
  } else if (size >= 8) {
    copyEnds<8>(to, from, size);
  } else if (size >= 4) {
    copyEnds<4>(to, from, size);
  } else if (size != 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

}  // namespace weir
