// A HeadScanner finds where a message's head ends, in bytes that arrive in any pieces, and refuses
// at the earliest byte what can never become a head: a bare CR or LF, a TLS hello, a head without
// end. It looks at the first bytes and at line ends; parse_head.h judges the rest.
//
// Calls: (scan+ reset)*. Each scan() gets all bytes of the message so far, from the same start;
// those of earlier calls are not read again, so that a head costs O(size) however it is split.
// After an error or a size, the next call is reset(). Not thread safe; owns no memory.
#pragma once

#include <cstddef>
#include <string_view>

#include "source/codec/http1/line_ends.h"
#include "source/codec/http1/parse_error.h"

namespace weir::codec {

class HeadScanner {
 public:
  // Longest method that is waited for; the longest registered one has 17 bytes.
  static constexpr size_t kMaxMethodBytes = 32;

  struct Scan {
    size_t size = 0;  // of the head with its empty line; 0: incomplete
    // Bytes to drop before the head: 2 for one empty line before a request (RFC 9112 §2.2; some old
    // clients end a POST with it), else 0. A second empty line is refused.
    size_t skip = 0;
    ParseError error;
  };

  // `max_head_bytes` counts the head with its empty line, without what is skipped.
  HeadScanner(MessageType type, size_t max_head_bytes) : type_(type), max_(max_head_bytes) {}

  Scan scan(std::string_view bytes_so_far);
  void reset() { *this = HeadScanner(type_, max_); }

 private:
  Fault scanStart(std::string_view bytes);
  Fault scanRequestStart(std::string_view bytes);

  MessageType type_;
  bool start_done_ = false;  // the first bytes are those of a method, or of "HTTP/1."
  uint8_t skip_ = 0;
  LineEnds lines_;
  size_t at_ = 0;  // bytes seen, with the skipped ones
  size_t max_;
};

}  // namespace weir::codec
