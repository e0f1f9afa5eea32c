// weir_bench_relay: the floor under every proxy on this machine. It copies bytes between a client
// connection and its own origin connection, with two receives and two sends a request on raw
// epoll, and does nothing a proxy is for: no parsing, no pool, no timeouts. What a proxy costs
// beyond it is what the proxy's work costs; if it drifts between rounds, the machine did.
//
//   weir_bench_relay PORT ORIGIN_PORT

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::bench {
namespace {

constexpr int kOn = 1;

// One of the two sockets of a Pair.
struct End {
  int fd = -1;
  End* other = nullptr;
  struct Pair* pair = nullptr;
  std::string unsent;   // Bytes for this end's peer that its socket did not take yet.
  bool paused = false;  // Not read until the other end's `unsent` is gone.
};

struct Pair {
  std::array<End, 2> ends;
  bool closed = false;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "weir_bench_relay: ");
  std::perror(what);
  std::exit(1);
}

class Relay {
 public:
  Relay(std::uint16_t port, std::uint16_t origin);
  [[noreturn]] void run();

 private:
  void accept();
  void watch(End& end);
  void forward(End& from, bool ending);
  bool flush(End& to);
  void close(Pair& pair);

  std::uint16_t origin_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::vector<std::unique_ptr<Pair>> closed_;  // Until no event of this turn can name them.
  std::string scratch_ = std::string(64 * 1024, '\0');
};

Relay::Relay(std::uint16_t port, std::uint16_t origin) : origin_(origin) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (epoll_ < 0 || listener_ < 0) die("socket");
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
  const sockaddr_in address = loopback(port);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    die("bind");
  }
  if (listen(listener_, 4096) != 0) die("listen");
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
}

void Relay::run() {
  epoll_event events[256];
  while (true) {
    const int count = epoll_wait(epoll_, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept();
        continue;
      }
      End& end = *static_cast<End*>(events[i].data.ptr);
      if (!end.pair->closed && (events[i].events & EPOLLOUT) != 0 && !flush(end)) close(*end.pair);
      const bool ending = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
      if (!end.pair->closed && !end.paused) forward(end, ending);
    }
    closed_.clear();
  }
}

void Relay::accept() {
  for (int i = 0; i < 64; ++i) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    auto* pair = new Pair;  // Owned by its sockets' events; close() takes it back.
    const int origin = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (origin < 0) die("socket");
    const sockaddr_in address = loopback(origin_);
    connect(origin, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pair->ends[0] = {client, &pair->ends[1], pair, {}, false};
    pair->ends[1] = {origin, &pair->ends[0], pair, {}, false};
    for (End& end : pair->ends) watch(end);
  }
}

void Relay::watch(End& end) {
  setsockopt(end.fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &end;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, end.fd, &event);
}

// A short read means the socket is empty, unless its end came with the same event (`ending`).
void Relay::forward(End& from, bool ending) {
  while (true) {
    const ssize_t size = recv(from.fd, scratch_.data(), scratch_.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return close(*from.pair);
    const auto length = static_cast<std::size_t>(size);
    ssize_t sent = send(from.other->fd, scratch_.data(), length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return close(*from.pair);
    if (sent < 0) sent = 0;
    if (static_cast<std::size_t>(sent) < length) {
      from.other->unsent.assign(scratch_, static_cast<std::size_t>(sent),
                                length - static_cast<std::size_t>(sent));
      from.paused = true;
      return;
    }
    if (!ending && length < scratch_.size()) return;
  }
}

// False when the socket is broken.
bool Relay::flush(End& to) {
  if (to.unsent.empty()) return true;
  const ssize_t sent = send(to.fd, to.unsent.data(), to.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  to.unsent.erase(0, static_cast<std::size_t>(sent));
  if (!to.unsent.empty()) return true;
  to.other->paused = false;
  forward(*to.other, true);
  return true;
}

void Relay::close(Pair& pair) {
  if (pair.closed) return;
  pair.closed = true;
  for (End& end : pair.ends) ::close(end.fd);
  closed_.emplace_back(&pair);
}

int runRelay(int argc, char** argv) {
  const int port = argc == 3 ? std::atoi(argv[1]) : 0;
  const int origin = argc == 3 ? std::atoi(argv[2]) : 0;
  if (port < 1 || port > 65535 || origin < 1 || origin > 65535) {
    std::fprintf(stderr, "usage: weir_bench_relay PORT ORIGIN_PORT\n");
    return 2;
  }
  Relay(static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(origin)).run();
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::runRelay(argc, argv); }
