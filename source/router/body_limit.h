// A BodyLimit is how much of a request's body is kept for another attempt, as a route or its
// virtual host says it: request_body_buffer_limit, or per_request_buffer_limit_bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::router {

struct BodyLimit {
  enum class Source : uint8_t { Connection, AtMost, Exactly };

  Source source = Source::Connection;  // what the listener gives each connection
  uint64_t bytes = 0;                  // AtMost: the listener's limit, if that is less

  // `connection`: per_connection_buffer_limit_bytes; 0: no limit.
  uint64_t of(uint64_t connection) const {
    if (source == Source::Exactly) return bytes;
    if (source == Source::Connection) return connection;
    return connection == 0 ? bytes : std::min(bytes, connection);
  }
};

}  // namespace weir::router
