// Actions are what workers give up at the moment, as the Watch has decided: shares of what comes.
// A value, small enough to be posted to a worker each time it changes; the worker's own copy is
// read without synchronisation, and is all zeros where nothing is configured.
#pragma once

#include <cstdint>

namespace weir::overload {

// So many of 65,535; kAll is everything.
using Share = uint16_t;
inline constexpr Share kNone = 0;
inline constexpr Share kAll = 65535;

struct Actions {
  Share reject_requests = kNone;     // stop_accepting_requests: answered 503
  Share end_connections = kNone;     // disable_http_keepalive: after a response
  Share reject_connections = kNone;  // reject_incoming_connections: closed when accepted
  bool stop_accepting = false;       // stop_accepting_connections: they wait in the kernel

  bool operator==(const Actions&) const = default;
};

// Whether the one at hand is of the share. `random`: 64 fresh bits.
inline bool falls(Share share, uint64_t random) { return share == kAll || (random >> 48) < share; }

}  // namespace weir::overload
