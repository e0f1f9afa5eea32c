// A ConnectionUser reads and writes a Connection and is told what becomes of it, on the loop's
// thread, inside a turn. It may be destroyed only when that turn ends.
#pragma once

#include <cstddef>

#include "weir/result.h"

namespace weir::transport {

class ConnectionUser {
 public:
  // Returns how many bytes it took, from the front. May write, pause and close inside.
  virtual size_t onInput(char* data, size_t size) = 0;
  // The peer sent FIN and everything before it was offered. Unconsumed bytes will not grow.
  virtual void onInputEnd() = 0;
  // connect() finished.
  virtual void onConnected() {}
  // FIN or RST came while reading is paused: nobody may be there to read an answer.
  virtual void onPeerGone() {}
  // The queue fell below the low mark after congested() was true.
  virtual void onWritable() {}
  // finishWriting() had to wait for the socket; everything is sent now, and FIN.
  virtual void onWriteFinished() {}
  // The socket failed and is closed. Not called for close().
  virtual void onFailed(const Failure& failure) = 0;

 protected:
  ~ConnectionUser() = default;
};

}  // namespace weir::transport
