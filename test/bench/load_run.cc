#include "load_run.h"

#include "cpu_clock.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace weir::bench {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStallLimit = 20 * kSecond;
constexpr std::uint64_t kTricklePeriod = kSecond / 100;
constexpr std::uint64_t kMaxErrors = 1000;  // More say nothing new: the run is lost.
constexpr std::uint32_t kIdleOpenAtOnce = 8;
constexpr std::uint32_t kEnding = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr int kSlowReceiveBuffer = 32 * 1024;

std::uint64_t monotonic() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t LoadReport::errors() const {
  return std::accumulate(faults.begin(), faults.end(), std::uint64_t{0});
}

LoadRun::LoadRun(const LoadOptions& options)
    : options_(options),
      request_(options.renderRequest()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      scratch_(256 * 1024) {
  if (epoll_ < 0) {
    std::perror("weir_bench_load: epoll_create1");
    std::exit(1);
  }
  if (options_.tls) tls_ = SSL_CTX_new(TLS_client_method());
  for (std::uint32_t i = 0; i < options_.connections; ++i) {
    clients_.push_back(std::make_unique<Client>());
    waiting_.push_back(clients_.back().get());
  }
}

LoadRun::~LoadRun() {
  for (const auto& client : clients_) close(*client);
  SSL_SESSION_free(session_);
  SSL_CTX_free(tls_);
  ::close(epoll_);
}

LoadReport LoadRun::run() {
  begin_ = last_progress_ = last_trickle_ = monotonic();
  window_begin_ = begin_ + static_cast<std::uint64_t>(options_.warm_up.count());
  window_end_ = window_begin_ + static_cast<std::uint64_t>(options_.window.count());
  limit_ = options_.idle > 0 ? options_.idle : options_.requests;
  if (options_.rate > 0 && limit_ == 0) {
    const double span = static_cast<double>(window_end_ - begin_) / kSecond;
    limit_ = static_cast<std::uint64_t>(options_.rate * span);
  }
  for (std::uint64_t now = begin_; !finished(); now = monotonic()) {
    advance(now);
    launch(now);
    wait(now);
    failStalled(monotonic());
  }
  advance(std::max(monotonic(), window_end_));
  if (options_.idle > 0 && report_.errors() == 0) holdIdle();
  return report_;
}

// A run with a number of requests ends with the last response; one with a window at its end,
// and in the open loop when also the requests of the window have been answered.
bool LoadRun::finished() const {
  if (report_.errors() > kMaxErrors) return true;
  if (limit_ > 0) return issued_ == limit_ && busy_ == 0;
  return ended_;
}

bool LoadRun::mayStart() const {
  if (report_.errors() > kMaxErrors) return false;
  if (options_.idle > 0 && busy_ >= kIdleOpenAtOnce) return false;
  return limit_ == 0 ? !ended_ : issued_ < limit_;
}

void LoadRun::advance(std::uint64_t now) {
  const bool timed = options_.requests == 0 && options_.idle == 0;
  if (!measuring_ && !ended_ && now >= window_begin_) {
    measuring_ = true;
    window_begin_ = now;
    report_.cpu_ns = cpuNanoseconds(options_.cpu_of);
  }
  if (measuring_ && !ended_ && (timed ? now >= window_end_ : finished())) {
    ended_ = true;
    measuring_ = false;
    report_.window_ns = monotonic() - window_begin_;
    report_.cpu_ns = cpuNanoseconds(options_.cpu_of) - report_.cpu_ns;
  }
}

void LoadRun::launch(std::uint64_t now) {
  const bool open_loop = options_.rate > 0;
  while (!waiting_.empty() && mayStart()) {
    const std::uint64_t intended = open_loop ? intendedTime(issued_) : monotonic();
    if (open_loop && intended > now) return;
    Client& client = *waiting_.front();
    waiting_.pop_front();
    start(client, intended);
  }
}

std::uint64_t LoadRun::intendedTime(std::uint64_t index) const {
  return begin_ + static_cast<std::uint64_t>(static_cast<double>(index) * kSecond / options_.rate);
}

std::uint64_t LoadRun::nextWake(std::uint64_t now) const {
  std::uint64_t wake = now + kSecond;
  if (window_begin_ > now) wake = std::min(wake, window_begin_);
  if (window_end_ > now) wake = std::min(wake, window_end_);
  if (options_.slow_read > 0) wake = std::min(wake, last_trickle_ + kTricklePeriod);
  if (options_.rate > 0 && !waiting_.empty() && mayStart()) {
    wake = std::min(wake, intendedTime(issued_));
  }
  return wake;
}

void LoadRun::wait(std::uint64_t now) {
  epoll_event events[512];
  const std::uint64_t wake = nextWake(now);
  const std::uint64_t pause = wake > now ? wake - now : 0;
  const timespec timeout{static_cast<time_t>(pause / kSecond), static_cast<long>(pause % kSecond)};
  const int count = epoll_pwait2(epoll_, events, 512, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    Client& client = *static_cast<Client*>(events[i].data.ptr);
    // A handshake may wait for either before the request can go.
    if (client.fd >= 0 && (events[i].events & (tls_ != nullptr ? EPOLLIN | EPOLLOUT : EPOLLOUT)))
      send(client);
    const bool ending = (events[i].events & kEnding) != 0;
    if (client.fd >= 0 && (ending || (events[i].events & EPOLLIN) != 0)) {
      client.readable = true;
      if (options_.slow_read == 0 || !client.busy) receive(client, ending);
    }
  }
  if (options_.slow_read > 0) trickle(monotonic());
}

void LoadRun::start(Client& client, std::uint64_t intended) {
  ++issued_;
  ++busy_;
  client.busy = true;
  client.started = intended;
  client.in_window = intended >= begin_ + static_cast<std::uint64_t>(options_.warm_up.count());
  client.sent = 0;
  client.reader.begin(options_.expected_body);
  if (client.fd < 0 && !open(client)) return fail(client, Fault::Connect);
  send(client);
}

bool LoadRun::open(Client& client) {
  client.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client.fd < 0) return false;
  const int on = 1;
  setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options_.slow_read > 0) {
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &kSlowReceiveBuffer, sizeof kSlowReceiveBuffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (options_.new_connection) {
    // One address has only 28,000 ports, and each stays in TIME_WAIT for a minute.
    setsockopt(client.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + sources_++ % 200);
    if (bind(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  }
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  const int status = connect(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  if (status != 0 && errno != EINPROGRESS) return false;
  if (tls_ != nullptr) {
    client.tls = SSL_new(tls_);
    SSL_set_fd(client.tls, client.fd);
    SSL_set_connect_state(client.tls);
    if (session_ != nullptr) SSL_set_session(client.tls, session_);
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &client;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) == 0;
}

void LoadRun::close(Client& client) {
  if (client.tls != nullptr) {
    if (options_.resume) {
      SSL_SESSION_free(session_);
      session_ = SSL_get1_session(client.tls);
    }
    // Quietly: what is measured is the proxy, not how it is left.
    SSL_set_shutdown(client.tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client.tls);
    client.tls = nullptr;
  }
  if (client.fd >= 0) ::close(client.fd);
  client.fd = -1;
  client.readable = false;
}

// As send(2) and recv(2); EAGAIN also while TLS shakes hands.
ssize_t LoadRun::writeSome(Client& client, std::string_view bytes) {
  if (client.tls == nullptr) return ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::size_t written = 0;
  if (SSL_write_ex(client.tls, bytes.data(), bytes.size(), &written) == 1) {
    return static_cast<ssize_t>(written);
  }
  const int error = SSL_get_error(client.tls, 0);
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

ssize_t LoadRun::readSome(Client& client, std::size_t most) {
  if (client.tls == nullptr) return recv(client.fd, scratch_.data(), most, 0);
  std::size_t got = 0;
  if (SSL_read_ex(client.tls, scratch_.data(), most, &got) == 1) return static_cast<ssize_t>(got);
  const int error = SSL_get_error(client.tls, 0);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EPROTO;
  return -1;
}

void LoadRun::send(Client& client) {
  if (!client.busy || client.sent == request_.size()) return;
  const ssize_t size = writeSome(client, std::string_view(request_).substr(client.sent));
  if (size >= 0) {
    client.sent += static_cast<std::size_t>(size);
  } else if (errno != EAGAIN) {
    fail(client, client.sent == 0 ? Fault::Connect : Fault::Closed);
  }
}

// A short read means the socket is empty, and more bytes will be a new edge; but an end that came
// with those bytes will not be, so then (`ending`) it is read to the end.
void LoadRun::receive(Client& client, bool ending) {
  while (true) {
    const ssize_t size = readSome(client, scratch_.size());
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
      if (client.busy) return fail(client, Fault::Closed);
      ++report_.reconnects;
      return close(client);
    }
    const bool open = take(client, {scratch_.data(), static_cast<std::size_t>(size)});
    if (!open && !(ending && client.fd >= 0)) return;
    if (!ending && tls_ == nullptr && static_cast<std::size_t>(size) < scratch_.size()) return;
  }
}

// False when the connection or its request is over.
bool LoadRun::take(Client& client, std::string_view bytes) {
  last_progress_ = monotonic();
  if (!client.busy) {
    ++report_.faults[static_cast<std::size_t>(Fault::Surplus)];
    close(client);
    return false;
  }
  const std::uint64_t before = client.reader.bodyBytes();
  const ResponseReader::Progress progress = client.reader.feed(bytes);
  if (measuring_) report_.bytes += client.reader.bodyBytes() - before;
  if (progress == ResponseReader::Progress::More) return true;
  if (progress == ResponseReader::Progress::Failed) {
    fail(client, client.reader.fault());
  } else if (client.sent < request_.size()) {
    fail(client, Fault::Surplus);
  } else {
    complete(client);
  }
  return false;
}

// Gives each connection its share of the last period; what a receive leaves in the socket shrinks
// the window the proxy sees.
void LoadRun::trickle(std::uint64_t now) {
  if (now < last_trickle_ + kTricklePeriod) return;
  const std::uint64_t share = options_.slow_read * (now - last_trickle_) / kSecond;
  last_trickle_ = now;
  for (const auto& client : clients_) {
    if (!client->busy || !client->readable) continue;
    const std::size_t most = std::clamp<std::size_t>(share, 1, scratch_.size());
    const ssize_t size = readSome(*client, most);
    if (size > 0) {
      take(*client, {scratch_.data(), static_cast<std::size_t>(size)});
    } else if (size < 0 && errno == EAGAIN) {
      client->readable = false;
    } else {
      fail(*client, Fault::Closed);
    }
  }
}

void LoadRun::complete(Client& client) {
  const std::uint64_t now = monotonic();
  if (options_.rate > 0 ? client.in_window : measuring_) {
    ++report_.requests;
    report_.latency.record(now - client.started);
  }
  if (options_.new_connection || client.reader.mustClose()) close(client);
  client.busy = false;
  --busy_;
  if (options_.idle > 0) return;  // Has had its one request, and is held from now on.
  if (options_.rate == 0 && mayStart()) return start(client, now);
  waiting_.push_back(&client);
}

void LoadRun::fail(Client& client, Fault fault) {
  ++report_.faults[static_cast<std::size_t>(fault)];
  close(client);
  client.busy = false;
  --busy_;
  waiting_.push_back(&client);
}

void LoadRun::failStalled(std::uint64_t now) {
  if (busy_ == 0) {
    last_progress_ = now;
    return;
  }
  if (now < last_progress_ + kStallLimit) return;
  for (const auto& client : clients_) {
    if (client->busy) fail(*client, Fault::Stalled);
  }
  ended_ = true;
  limit_ = issued_;
}

// Says 'ready', then keeps the connections until stdin ends, noting those the proxy closes.
void LoadRun::holdIdle() {
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    pollfd sources[2] = {{STDIN_FILENO, POLLIN, 0}, {epoll_, POLLIN, 0}};
    poll(sources, 2, -1);
    if (sources[1].revents != 0) wait(monotonic());
    char ignored[64];
    if (sources[0].revents != 0 && ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return;
  }
}

}  // namespace weir::bench
