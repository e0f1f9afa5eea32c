// What a session wrote goes into its connection's one sendmsg.
#pragma once

#include "source/codec/http2/session.h"
#include "source/transport/connection.h"

namespace weir::http2 {

// Whether it may leave later than at the turn's end, with what other turns of the round write: a
// send costs as much as a request's whole way through Weir.
inline bool mayWait(const codec::Http2Session& session) {
  constexpr size_t kMost = 64 * 1024;
  return !session.output().pointsOutside() && session.output().size() < kMost && !session.failed();
}

// At the end of the turn or the round. The socket may fail, and its user be told, before this
// returns: only who is still open then goes on with session.clearOutput() and session.onSent().
inline void sendOutput(const codec::Http2Session& session, transport::Connection& connection) {
  session.output().forEachPiece([&connection](std::string_view piece) { connection.write(piece); });
  connection.flush();
}

}  // namespace weir::http2
