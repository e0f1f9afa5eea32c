// A Framing says where a message's body ends (RFC 9112 §6.3) and what becomes of the connection.
#pragma once

#include <cstdint>

namespace weir::codec {

enum class BodyKind : uint8_t {
  None,    // the message ends with its head; a content-length of 0 is this, too
  Length,  // `length` bytes, at least one
  Chunked,
  UntilClose,  // responses only
  Tunnel,      // CONNECT, or a 101: what follows is not HTTP
};

struct Framing {
  BodyKind body = BodyKind::None;
  uint64_t length = 0;
  bool keep_alive = true;        // false: the connection ends with this message
  bool expect_continue = false;  // a 100 is awaited; never set without a body to come
  bool upgrade = false;          // HTTP/1.1, Upgrade present and listed in Connection
  // What the fields take on the wire: name, colon, value, CRLF of each, as Envoy counts them.
  uint32_t field_bytes = 0;
};

}  // namespace weir::codec
