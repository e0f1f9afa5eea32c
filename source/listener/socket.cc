#include "source/listener/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::listener {
namespace {

Error failure(const net::Address& address, const char* step) {
  std::string text =
      "cannot " + std::string(step) + " " + address.text() + ": " + std::strerror(errno);
  if (errno == EADDRINUSE) text += "; another process listens there";
  if (errno == EACCES) text += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  return Error{"address", text};
}

// A socket file left by a process that is gone is removed; one that answers is in use.
bool removeStale(const net::Address& address) {
  if (address.text().front() == '@') return true;
  net::Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (net::connectTo(probe.get(), address) == 0) {
    errno = EADDRINUSE;
    return false;
  }
  if (errno == ECONNREFUSED) ::unlink(address.text().c_str());
  return true;
}

Result<net::Fd> bindOne(const ListenAddress& at, const net::Address& address, bool reuse_port) {
  using Moment = SocketOption::Moment;
  net::Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failure(address, "make a socket for");
  const int on = 1;
  if (address.isUnix()) {
    if (!removeStale(address)) return failure(address, "bind");
  } else {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    // Accepted connections inherit it, without a call for each.
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int only_v6 = at.ipv4_compat ? 0 : 1;
    if (address.family() == AF_INET6) {
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
    }
  }
  if (auto set = at.options.apply(fd.get(), address, Moment::BeforeBind); !set)
    return std::move(set.error());
  if (net::bindTo(fd.get(), address) != 0) return failure(address, "bind");
  if (auto set = at.options.apply(fd.get(), address, Moment::Bound); !set)
    return std::move(set.error());
  return fd;
}

Result<net::Fd> openOne(const ListenerPlan& plan, const ListenAddress& at,
                        const net::Address& address, bool reuse_port) {
  auto fd = bindOne(at, address, reuse_port);
  if (!fd) return fd;
  if (address.isUnix() && at.unix_mode != 0) ::chmod(address.text().c_str(), at.unix_mode);
  if (::listen(fd->get(), plan.backlog) != 0) return failure(address, "listen on");
  if (auto set = at.options.apply(fd->get(), address, SocketOption::Moment::Listening); !set)
    return std::move(set.error());
  return fd;
}

}  // namespace

Result<std::vector<net::Fd>> openSockets(const ListenerPlan& plan, const ListenAddress& at,
                                         size_t count) {
  std::vector<net::Fd> sockets;
  const bool reuse_port = plan.reuse_port && !at.address.isUnix() && count > 1;
  net::Address address = at.address;
  // With SO_REUSEPORT a second process of the same user could take half of the traffic unnoticed:
  // the first socket is bound without it to see that the port is free.
  if (reuse_port && address.port() != 0) {
    if (auto free = bindOne(at, address, false); !free) return std::move(free.error());
  }
  for (size_t i = 0; i < count; ++i) {
    if (i != 0 && !reuse_port) {
      net::Fd copy(::fcntl(sockets.front().get(), F_DUPFD_CLOEXEC, 0));
      if (!copy) return failure(address, "share the socket of");
      sockets.push_back(std::move(copy));
      continue;
    }
    auto fd = openOne(plan, at, address, reuse_port);
    if (!fd) return std::move(fd.error());
    if (address.port() == 0 && !address.isUnix()) address = net::Address::localOf(fd->get());
    sockets.push_back(*std::move(fd));
  }
  return sockets;
}

Result<Done> probe(const ListenAddress& at) {
  if (at.address.isUnix()) return Done{};
  auto bound = bindOne(at, at.address, false);
  if (!bound) return std::move(bound.error());
  return Done{};
}

}  // namespace weir::listener
