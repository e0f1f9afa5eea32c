// parse_head turns the bytes of a whole HTTP/1 head, as HeadScanner found them, into a RequestHead
// or ResponseHead and its Framing. Strict: what two recipients could read in two ways is refused.
// The rules, their RFC sections and the reasons are in README.md.
//
// `data` is a copy that the parser may change (names are lower-cased in place) and that lives as
// long as the stream: the head's views point into it. Fields that stand exactly as "name:
// value\r\n" carry Field::kVerbatim. Pure: no clock, no I/O; allocates only in `out.fields`' arena.
// One pass, O(size).
//
// Not among the fields afterwards: `host` of a request (it is `authority`), `transfer-encoding` and
// a `connection` that lists only close or keep-alive (they are in the Framing), and a
// content-length that a response may not have. After an error `out` and the framing are
// unspecified.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/codec/http1/framing.h"
#include "source/codec/http1/parse_error.h"
#include "weir/head.h"

namespace weir::codec {

struct Limits {
  uint32_t max_head_bytes = 60 * 1024;  // HeadScanner's; start line, fields and the empty line
  uint32_t max_fields = 100;
};

// `out.scheme` is set by an absolute-form target only; else the caller knows it from the transport.
[[nodiscard]] ParseError parseRequestHead(char* data, size_t size, const Limits& limits,
                                          RequestHead& out, Framing& framing);

// `request_method` is that of the request this answers: it decides whether there is a body.
[[nodiscard]] ParseError parseResponseHead(char* data, size_t size, const Limits& limits,
                                           Method request_method, ResponseHead& out,
                                           Framing& framing);

}  // namespace weir::codec
