// The SealedPath is how bytes go through a Connection that is TLS: one recv brings ciphertext into
// the loop's scratch, all of it is opened into a second buffer of the thread and offered; what a
// turn writes is sealed into records side by side and leaves in one send. No state of its own: the
// connection's members, and its TlsSession.
#pragma once

#include <cstddef>
#include <string>

namespace weir::transport {

class Connection;

struct SealedPath {
  // As Connection::receiveOnce(); false: nothing more comes now.
  static bool receive(Connection& connection, size_t& budget);
  // Ciphertext, wherever it came from. False: the connection is closed.
  static bool open(Connection& connection, const char* data, size_t size);
  // Goes on with the handshake. False: not yet over, or over and the connection is closed.
  static bool shakeHands(Connection& connection);
  static void send(Connection& connection);    // the turn's outbox
  static void finish(Connection& connection);  // what is written, close_notify, FIN
  static void sayGoodbye(Connection& connection);
  // The socket has ended, and close_notify did not come.
  static void failTruncated(Connection& connection);

 private:
  static void sendLater(Connection& connection, std::string& sealed);
  static void countReceived(Connection& connection, size_t size);
  static void fail(Connection& connection);
};

}  // namespace weir::transport
