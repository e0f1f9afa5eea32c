// weir_bench_backend: the origin behind the measured proxies. HTTP/1.1 with keep-alive on one
// thread and one epoll, and as cheap as it can be, since it shares a CPU with the generator: a
// small response is rendered once per size and leaves in one send; a large body is streamed.
// Request bodies are read and dropped, and the response comes after them.
//
//   weir_bench_backend PORT [BODY_BYTES]     (default 1024; the path /b/N overrides it)

#include "body_skipper.h"
#include "pattern.h"

#include <strings.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::bench {
namespace {

constexpr std::uint64_t kDefaultBody = 1024;
constexpr std::size_t kMaxRendered = 64 * 1024;
constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

struct Connection {
  int fd = -1;
  bool in_body = false;
  bool close_after = false;
  bool head_only = false;  // The request was HEAD.
  BodySkipper body;
  std::string kept;               // Input that waits for the rest of its head or for its turn.
  std::uint64_t answer_size = 0;  // Body bytes of the response to the request being read.
  std::string_view out;           // Rendered bytes still to send.
  std::string large_head;         // Backs `out` when the response is not a rendered one.
  std::uint64_t stream_size = 0;  // Body bytes to stream after `out`.
  std::uint64_t stream_sent = 0;

  bool sending() const { return !out.empty() || stream_sent < stream_size; }
};

std::string renderHead(std::uint64_t size) {
  return "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n";
}

// The number after `prefix` at the front of `text`, if there is one.
bool numberAfter(std::string_view prefix, std::string_view text, std::uint64_t& value) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

class Backend {
 public:
  Backend(std::uint16_t port, std::uint64_t body_bytes) : body_bytes_(body_bytes) { listen(port); }
  [[noreturn]] void run();

 private:
  void listen(std::uint16_t port);
  void accept();
  void readable(Connection& connection, bool ending);
  bool feed(Connection& connection, std::string_view bytes);
  bool readHead(Connection& connection, std::string_view head);
  bool readField(Connection& connection, std::string_view line);
  bool answer(Connection& connection);
  bool flush(Connection& connection);
  void drop(Connection& connection);

  std::uint64_t body_bytes_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_ = -1;
  std::map<std::uint64_t, std::string> rendered_;
  std::string scratch_ = std::string(256 * 1024, '\0');
};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "weir_bench_backend: ");
  std::perror(what);
  std::exit(1);
}

void Backend::listen(std::uint16_t port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (epoll_ < 0 || listener_ < 0) die("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (::listen(listener_, 4096) != 0) die("listen");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
}

void Backend::run() {
  epoll_event events[256];
  while (true) {
    const int count = epoll_wait(epoll_, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept();
        continue;
      }
      Connection& connection = *static_cast<Connection*>(events[i].data.ptr);
      // Each connection has one event per turn, so dropping it here leaves no stale one behind.
      if (connection.sending() && !(flush(connection) && feed(connection, {}))) {
        drop(connection);
      } else {
        readable(connection, (events[i].events & kEnding) != 0);
      }
    }
  }
}

void Backend::accept() {
  for (int i = 0; i < 64; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto* connection = new Connection;  // Freed by drop().
    connection->fd = fd;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

void Backend::drop(Connection& connection) {
  close(connection.fd);
  delete &connection;
}

// Reads all there is: a short read means the socket is empty, unless its end came with the same
// event (`ending`). Input that arrives while a response is still being sent is kept for later.
void Backend::readable(Connection& connection, bool ending) {
  while (true) {
    const ssize_t size = recv(connection.fd, scratch_.data(), scratch_.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return drop(connection);
    const std::string_view bytes(scratch_.data(), static_cast<std::size_t>(size));
    if (!feed(connection, bytes)) return drop(connection);
    if (!ending && bytes.size() < scratch_.size()) return;
  }
}

// False when the connection is to be dropped.
bool Backend::feed(Connection& connection, std::string_view bytes) {
  std::string joined;
  if (!connection.kept.empty()) {
    joined = std::move(connection.kept);
    connection.kept.clear();
    joined.append(bytes);
    bytes = joined;
  }
  while (!bytes.empty() && !connection.sending()) {
    if (!connection.in_body) {
      const std::size_t end = bytes.find(kHeadEnd);
      if (end == std::string_view::npos) break;
      if (!readHead(connection, bytes.substr(0, end))) return false;
      bytes.remove_prefix(end + kHeadEnd.size());
      connection.in_body = true;
    }
    if (!connection.body.skip(bytes)) return false;
    if (!connection.body.done()) return true;
    connection.in_body = false;
    if (!answer(connection)) return false;
  }
  connection.kept.assign(bytes);
  return connection.kept.size() <= kMaxHead;
}

bool Backend::readHead(Connection& connection, std::string_view head) {
  const std::size_t target = head.find(' ');
  if (target == std::string_view::npos) return false;
  connection.head_only = head.starts_with("HEAD ");
  connection.answer_size = body_bytes_;
  numberAfter("/b/", head.substr(target + 1), connection.answer_size);
  connection.body.expectLength(0);
  for (std::size_t line = head.find("\r\n"); line != std::string_view::npos;) {
    line += 2;
    const std::size_t end = head.find("\r\n", line);
    if (!readField(connection, head.substr(line, end - line))) return false;
    line = end;
  }
  return true;
}

bool Backend::readField(Connection& connection, std::string_view line) {
  const auto named = [&](std::string_view name) {
    return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
  };
  if (named("content-length:")) {
    line.remove_prefix(std::string_view("content-length:").size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    std::uint64_t size = 0;
    if (!numberAfter("", line, size)) return false;
    connection.body.expectLength(size);
  } else if (named("transfer-encoding:")) {
    connection.body.expectChunks();
  } else if (named("connection: close")) {
    connection.close_after = true;
  }
  return true;
}

bool Backend::answer(Connection& connection) {
  const std::uint64_t size = connection.answer_size;
  connection.stream_sent = connection.stream_size = 0;
  if (connection.head_only || size > kMaxRendered) {
    connection.large_head = renderHead(size);
    connection.out = connection.large_head;
    if (!connection.head_only) connection.stream_size = size;
  } else {
    std::string& text = rendered_[size];
    if (text.empty()) text = renderHead(size).append(Pattern::part(0, size));
    connection.out = text;
  }
  return flush(connection);
}

// False when the connection is to be dropped: an error, or the end of its last response.
bool Backend::flush(Connection& connection) {
  while (connection.sending()) {
    const bool streaming = connection.out.empty();
    const std::string_view part =
        streaming
            ? Pattern::part(connection.stream_sent, connection.stream_size - connection.stream_sent)
            : connection.out;
    const int more = connection.stream_size > 0 && !streaming ? MSG_MORE : 0;
    const ssize_t size = send(connection.fd, part.data(), part.size(), MSG_NOSIGNAL | more);
    if (size < 0) return errno == EAGAIN;
    if (streaming) {
      connection.stream_sent += static_cast<std::uint64_t>(size);
    } else {
      connection.out.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  return !connection.close_after;
}

int runBackend(int argc, char** argv) {
  std::uint64_t port = 0;
  std::uint64_t body = kDefaultBody;
  if (argc < 2 || argc > 3 || !numberAfter("", argv[1], port) || port == 0 || port > 65535 ||
      (argc == 3 && !numberAfter("", argv[2], body))) {
    std::fprintf(stderr, "usage: weir_bench_backend PORT [BODY_BYTES]\n");
    return 2;
  }
  Backend(static_cast<std::uint16_t>(port), body).run();
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::runBackend(argc, argv); }
