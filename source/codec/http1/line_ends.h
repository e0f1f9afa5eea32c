// LineEnds follows CRLF line ends through bytes that arrive in any pieces, and finds the first
// empty line, or the first CR or LF that is not half of a CRLF. Shared by heads and trailers.
// O(bytes).
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/codec/http1/parse_error.h"

namespace weir::codec {

class LineEnds {
 public:
  // `after_line`: the bytes follow a complete line, so that a CRLF at once is the empty line.
  explicit LineEnds(bool after_line = false) : lf_before_(after_line ? 2 : 0) {}

  struct Found {
    size_t size = 0;  // of the bytes fed now, up to and with the empty line's LF; 0: not in them
    Fault fault = Fault::None;
  };
  // After a size or a fault, feed no more.
  Found feed(const char* data, size_t size);

  bool sawLine() const { return saw_line_; }

 private:
  uint8_t cr_before_ = 0;  // 1: the last byte fed was CR
  uint8_t lf_before_;      // bit 1: the last byte fed was LF; bit 0: the one before it
  bool saw_line_ = false;
};

}  // namespace weir::codec
