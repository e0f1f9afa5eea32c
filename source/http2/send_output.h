// What a session wrote goes into its connection's one sendmsg.
#pragma once

#include "source/codec/http2/session.h"
#include "source/transport/connection.h"

namespace weir::http2 {

// At the turn's end. The socket may fail, and its user be told, before this returns: only who is
// still open then goes on with session.clearOutput() and session.onSent().
inline void sendOutput(const codec::Http2Session& session, transport::Connection& connection) {
  session.output().forEachPiece([&connection](std::string_view piece) { connection.write(piece); });
  connection.flush();
}

}  // namespace weir::http2
