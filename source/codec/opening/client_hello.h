// A HelloReader finds out whether a connection begins with TLS, and what its ClientHello asks for:
// server name, ALPN, version (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301). It decrypts and decides
// nothing. The handshake message may be cut into any number of records, and the records into any
// pieces. Pure: bytes in, facts out; what it keeps is bounded by `max_size`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::codec {

struct ClientHello {
  std::string server_name;        // lower case; empty: none was asked for
  std::vector<std::string> alpn;  // in the client's order
  uint16_t version = 0;           // the highest offered: 0x0304 is TLS 1.3
};

class HelloReader {
 public:
  static constexpr size_t kMaxSize = 64 * 1024;

  enum class State : uint8_t { NeedMore, Found, NotTls, TooLarge };

  explicit HelloReader(size_t max_size = kMaxSize) : max_size_(max_size) {}

  // `bytes`: everything the connection has sent, from its first byte; each call is given at least
  // what the one before was. After another answer than NeedMore it is not called again.
  State read(std::string_view bytes);
  // After Found.
  const ClientHello& hello() const { return hello_; }
  // How many bytes of the connection were looked at.
  size_t seen() const { return at_; }

 private:
  State readRecord(std::string_view record);

  const size_t max_size_;
  size_t at_ = 0;        // where the next record begins
  std::string message_;  // of the handshake, without record headers
  ClientHello hello_;
};

}  // namespace weir::codec
