#include "source/net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace weir::net {

Result<Address> Address::ip(std::string_view text, uint16_t port) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  const std::string copy(text);
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
  } else {
    address.storage_.v6 = {};
    if (inet_pton(AF_INET6, copy.c_str(), &address.storage_.v6.sin6_addr) != 1) {
      return Error{"", "'" + copy + "' is not an IP address"};
    }
    address.storage_.v6.sin6_family = AF_INET6;
  }
  address.setPort(port);
  return address;
}

Result<Address> Address::unixPath(std::string_view path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{
        "", "a unix socket's path has 1 to 107 bytes, this has " + std::to_string(path.size())};
  }
  Address address;
  address.storage_.base.sa_family = AF_UNIX;
  address.path_ = path;
  return address;
}

Address Address::from(const sockaddr* from, socklen_t size) {
  Address address;
  if (from->sa_family == AF_UNIX) {
    address.storage_.base.sa_family = AF_UNIX;
    const auto* un = reinterpret_cast<const sockaddr_un*>(from);
    const size_t length = size - std::min<size_t>(size, offsetof(sockaddr_un, sun_path));
    address.path_.assign(un->sun_path, strnlen(un->sun_path, length));
  } else if (from->sa_family == AF_INET) {
    std::memcpy(&address.storage_.v4, from, sizeof(sockaddr_in));
  } else {
    std::memcpy(&address.storage_.v6, from, std::min<size_t>(size, sizeof(sockaddr_in6)));
    const in6_addr& ip = address.storage_.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&ip)) {  // a v4 client of a dual-stack listener is a v4 client
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = address.storage_.v6.sin6_port;
      std::memcpy(&v4.sin_addr, ip.s6_addr + 12, 4);
      address.storage_.v4 = v4;
    }
  }
  return address;
}

Address Address::localOf(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return from(reinterpret_cast<sockaddr*>(&storage), size);
}

bool Address::isLoopback() const {
  if (family() == AF_INET) return (ntohl(storage_.v4.sin_addr.s_addr) >> 24) == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&storage_.v6.sin6_addr);
}

bool Address::isPrivate() const {
  if (isUnix() || isLoopback()) return true;
  if (family() == AF_INET) {
    const uint32_t ip = ntohl(storage_.v4.sin_addr.s_addr);
    return (ip >> 24) == 10 || (ip >> 20) == 0xac1 || (ip >> 16) == 0xc0a8 || (ip >> 16) == 0xa9fe;
  }
  return (storage_.v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc ||
         IN6_IS_ADDR_LINKLOCAL(&storage_.v6.sin6_addr);
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  return family() == AF_INET6 ? ntohs(storage_.v6.sin6_port) : 0;
}

void Address::setPort(uint16_t port) {
  if (family() == AF_INET) storage_.v4.sin_port = htons(port);
  if (family() == AF_INET6) storage_.v6.sin6_port = htons(port);
}

socklen_t Address::size() const {
  return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

std::string Address::ipText() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) inet_ntop(AF_INET, &storage_.v4.sin_addr, buffer, sizeof buffer);
  if (family() == AF_INET6) inet_ntop(AF_INET6, &storage_.v6.sin6_addr, buffer, sizeof buffer);
  return isUnix() ? path_ : std::string(buffer);
}

std::string Address::text() const {
  if (isUnix()) return path_;
  const std::string ip = ipText();
  return (family() == AF_INET6 ? "[" + ip + "]:" : ip + ":") + std::to_string(port());
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family()) return false;
  if (isUnix()) return path_ == other.path_;
  if (port() != other.port()) return false;
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == other.storage_.v4.sin_addr.s_addr;
  return std::memcmp(&storage_.v6.sin6_addr, &other.storage_.v6.sin6_addr, 16) == 0;
}

sockaddr_un Address::unixSockaddr() const {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path_.data(), path_.size());
  if (path_.front() == '@') un.sun_path[0] = '\0';
  return un;
}

namespace {

socklen_t unixSize(const sockaddr_un& un, size_t path) {
  const size_t end = un.sun_path[0] == '\0' ? path : path + 1;
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + end);
}

}  // namespace

int connectTo(int fd, const Address& address) {
  if (!address.isUnix()) return ::connect(fd, address.get(), address.size());
  const sockaddr_un un = address.unixSockaddr();
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&un), unixSize(un, address.path_.size()));
}

int bindTo(int fd, const Address& address) {
  if (!address.isUnix()) return ::bind(fd, address.get(), address.size());
  const sockaddr_un un = address.unixSockaddr();
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&un), unixSize(un, address.path_.size()));
}

}  // namespace weir::net
