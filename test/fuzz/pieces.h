// How a fuzz input arrives: the ends of its pieces, made from one byte of the input itself. 0 is a
// byte at a time, 255 is all at once, others are irregular pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace weir::fuzz {

inline std::vector<size_t> pieceEnds(uint8_t pattern, size_t size) {
  std::vector<size_t> ends;
  if (pattern == 255) return ends;
  uint32_t state = pattern;
  for (size_t at = 1; at < size;) {
    ends.push_back(at);
    state = state * 1103515245 + 12345;
    at += pattern == 0 ? 1 : 1 + (state >> 16) % (1 + pattern % 64);
  }
  return ends;
}

// Fails the run, in every build.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "invariant broken: %s\n", what);
  std::abort();
}

}  // namespace weir::fuzz
