// An Address is a socket address: IPv4, IPv6 or a unix path ('@' first: abstract). A value, 28
// bytes for IP; unix paths are kept beside. Formatting is without name look-ups.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/result.h"

namespace weir::net {

class Address {
 public:
  Address() = default;
  // "127.0.0.1", "::1" (brackets optional). Refuses names.
  static Result<Address> ip(std::string_view text, uint16_t port);
  static Result<Address> unixPath(std::string_view path);
  static Address from(const sockaddr* address, socklen_t size);
  static Address localOf(int fd);

  int family() const { return storage_.base.sa_family; }
  bool isUnix() const { return family() == AF_UNIX; }
  bool isLoopback() const;
  bool isPrivate() const;  // RFC 1918, RFC 4193, loopback, link local: what Envoy calls internal
  uint16_t port() const;
  void setPort(uint16_t port);
  const sockaddr* get() const { return &storage_.base; }
  socklen_t size() const;

  std::string ipText() const;  // no port, no brackets; the path for unix
  std::string text() const;    // "1.2.3.4:80", "[::1]:80", or the path
  bool operator==(const Address& other) const;

 private:
  union {
    sockaddr base{};
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage_;
  std::string path_;
  sockaddr_un unixSockaddr() const;
  friend int connectTo(int fd, const Address& address);
  friend int bindTo(int fd, const Address& address);
};

// connect(2), bind(2) for either kind: 0 or -1 with errno.
int connectTo(int fd, const Address& address);
int bindTo(int fd, const Address& address);

}  // namespace weir::net
