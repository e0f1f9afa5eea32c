// encode writes heads, chunk framing and trailers as HTTP/1.1 bytes (RFC 9112), into one arena
// block of the exact size. Fields that still stand as they were parsed are copied in runs, not one
// by one.
//
// What frames the message comes from the arguments, never from the fields: `transfer-encoding`,
// `connection` and a request's `host` among the fields are not written, and a `content-length` only
// where it is true. Nothing written can hold a CR or LF of its own: fields are isFieldValue() by
// contract of Fields, start lines by the parser's or their setter's checks; debug builds assert it.
// Pure; no heap; O(bytes). The views live as long as the arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/codec/http1/framing.h"
#include "weir/head.h"

namespace weir::codec {

// What the Connection field shall say; nothing is right for HTTP/1.1 peers that keep the
// connection.
enum class ConnectionOption : uint8_t {
  None,
  Close,
  KeepAlive,  // for HTTP/1.0 peers
  Upgrade,    // with an Upgrade field among the fields
};

// Host first, from `authority`. An `upgrade` field only with ConnectionOption::Upgrade. For None a
// content-length is written only where the method makes a body likely (POST, PUT, PATCH: 0, RFC
// 9110 §8.6). `length` is that of BodyKind::Length.
std::string_view encodeRequestHead(const RequestHead& head, BodyKind body, uint64_t length,
                                   ConnectionOption connection, Arena& arena);

// `request_method`, because the answers to HEAD and CONNECT are framed differently. For None: the
// content-length stays in answers to HEAD and in a 304 (it tells of another message), is left out
// of 1xx, 204 and 2xx to CONNECT, and is 0 in all others. UntilClose needs ConnectionOption::Close.
std::string_view encodeResponseHead(const ResponseHead& head, BodyKind body, uint64_t length,
                                    Method request_method, ConnectionOption connection,
                                    Arena& arena);

// What the first line takes on the wire, with its CRLF.
size_t startLineSize(const RequestHead& head);
size_t startLineSize(const ResponseHead& head);

// A chunk is: header, `size` > 0 bytes, kChunkEnd. The body ends with kLastChunk or
// encodeTrailers().
constexpr std::string_view kChunkEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
size_t encodeChunkHeader(char (&out)[20], uint64_t size);
// The last chunk, the trailers and the empty line.
std::string_view encodeTrailers(const Fields& trailers, Arena& arena);

}  // namespace weir::codec
