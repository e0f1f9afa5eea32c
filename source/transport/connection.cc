#include "source/transport/connection.h"

#include <event2/event.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "source/transport/outbox.h"
#include "source/transport/sealed_path.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {
namespace {

// Wakes the reader without news from the socket. Not EV_READ: libevent merges reasons, and an edge
// must not be invented or lost.
constexpr short kWake = EV_TIMEOUT;

FailureKind kindOf(int error) {
  return error == ECONNREFUSED || error == ENETUNREACH || error == EHOSTUNREACH ||
                 error == ENOENT || error == EACCES || error == ETIMEDOUT
             ? FailureKind::ConnectFailed
             : FailureKind::ConnectionReset;
}

// Static text for the errors a peer can cause.
std::string_view describe(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
      return "connection reset by peer";
    case EPIPE:
      return "peer closed the connection";
    case ETIMEDOUT:
      return "connection timed out";
    case ENETUNREACH:
      return "network unreachable";
    case EHOSTUNREACH:
      return "host unreachable";
    case ENOENT:
      return "no such socket path";
    case EACCES:
      return "permission denied";
    default:
      return "socket error";
  }
}

// Non-blocking; invalid with errno on failure.
net::Fd makeStreamSocket(const net::Address& address) {
  net::Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd && !address.isUnix()) {
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return fd;
}

}  // namespace

Connection::Connection(net::Loop& loop) : loop_(loop) {}

Connection::Connection(net::Loop& loop, ConnectionUser& user) : loop_(loop), user_(&user) {}

Connection::~Connection() { close(); }

void Connection::watch() {
  event_assign(&event_, loop_.base(), fd_.get(),
               EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET, onEvent, this);
  event_add(&event_, nullptr);
}

void Connection::accept(net::Fd fd) {
  fd_ = std::move(fd);
  watch();
}

bool Connection::connect(const net::Address& to) {
  net::Fd fd = makeStreamSocket(to);
  if (!fd) return false;
  if (net::connectTo(fd.get(), to) != 0 && errno != EINPROGRESS && errno != EAGAIN) return false;
  fd_ = std::move(fd);
  connecting_ = true;
  writable_ = false;
  watch();
  return true;
}

void Connection::close() {
  if (!fd_) return;
  if (tls_ != nullptr) SealedPath::sayGoodbye(*this);
  event_del(&event_);
  loop_.cancelTurnEnd(*this);
  if (outbox_ != nullptr) Outbox::give(std::exchange(outbox_, nullptr));
  fd_.reset();
  kept_.reset();
}

void Connection::secure(std::unique_ptr<TlsSession> session) {
  tls_ = std::move(session);
  sealed_input_ = true;
  if (unconsumed() != 0) wakeForKept();
  if (fd_ && !connecting_ && !tls_->isServer()) SealedPath::shakeHands(*this);
}

std::string_view Connection::alpn() const {
  return tls_ == nullptr ? std::string_view() : tls_->alpn();
}

std::shared_ptr<const TlsFacts> Connection::tls() const {
  return tls_ == nullptr ? nullptr : tls_->facts();
}

Connection::Kept& Connection::kept() {
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>();
  return *kept_;
}

void Connection::trim() {
  if (kept_ != nullptr && kept_->input.empty() && kept_->queue.empty()) kept_.reset();
}

void Connection::fail(FailureKind kind, std::string_view detail) {
  writable_ = false;
  close();
  user_->onFailed({Side::Upstream, kind, Retry::Never, detail});
}

void Connection::failSocket(int error) { fail(kindOf(error), describe(error)); }

void Connection::onEvent(evutil_socket_t, short what, void* self) {
  auto& connection = *static_cast<Connection*>(self);
  net::Loop::Turn turn(connection.loop_);
  if (connection.connecting_) {
    connection.onConnectReady();
    if (!connection.isOpen() || connection.connecting_) return;
  }
  if ((what & EV_CLOSED) != 0) {
    connection.peer_closed_ = true;
    if (connection.read_paused_) connection.user_->onPeerGone();
    if (!connection.isOpen()) return;
  }
  // News while nobody reads: more data, or a reset, which libevent tells as data.
  if ((what & EV_READ) != 0 && connection.read_paused_ && connection.isReset()) {
    return connection.failSocket(ECONNRESET);
  }
  if ((what & (EV_READ | EV_CLOSED)) != 0) connection.readable_ = true;
  if ((what & (EV_READ | EV_CLOSED | kWake)) != 0) connection.readAll();
  if ((what & EV_WRITE) != 0 && connection.isOpen() && !connection.writable_) {
    connection.writable_ = true;
    connection.sendQueue();
  }
}

bool Connection::isReset() const {
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK) < 0 && errno != EAGAIN && errno != EINTR;
}

bool Connection::hasNews() const {
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK) >= 0 || (errno != EAGAIN && errno != EINTR);
}

void Connection::onConnectReady() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return failSocket(error);
  connecting_ = false;
  writable_ = true;
  if (tls_ == nullptr) return user_->onConnected();
  SealedPath::shakeHands(*this);
}

void Connection::readAll() {
  size_t budget = kReadBudget;
  if (std::exchange(resumed_, false) && unconsumed() != 0 && !read_paused_) offerKept();
  while (isOpen() && !read_paused_ && readable_) {
    if (budget == 0) {
      event_active(&event_, kWake, 0);
      return;
    }
    expects_more_ = true;
    if (!receiveOnce(budget)) break;
    if (short_read_ && !expects_more_) readable_ = false;
    // The scratch is used again: what points into it has to leave first.
    if (isOpen() && readable_ && !read_paused_) loop_.flushTurn();
  }
  if (isOpen() && end_seen_ && !end_told_ && (!read_paused_ || unconsumed() == 0)) {
    end_told_ = true;
    if (tls_ != nullptr && tls_->state() != TlsSession::State::Ended) {
      return SealedPath::failTruncated(*this);
    }
    user_->onInputEnd();
  }
}

bool Connection::receiveOnce(size_t& budget) {
  if (tls_ != nullptr) return SealedPath::receive(*this, budget);
  char* at = loop_.scratch();
  size_t room = net::Loop::kScratchSize;
  const size_t before = unconsumed();
  const bool in_place = before > net::Loop::kScratchSize / 2;
  if (in_place) {  // a long partial message grows where it is kept
    kept_->input.resize(before + net::Loop::kScratchSize / 2);
    at = kept_->input.data();
    room = kept_->input.size();
  } else if (before != 0) {
    std::memcpy(at, kept_->input.data(), before);
  }
  const size_t size = receive(at + before, room - before, budget);
  if (size == 0) {
    if (in_place && isOpen()) kept_->input.resize(before);
    return false;
  }
  bytes_in_ += size;
  if (counters_ != nullptr) counters_->received.add(size);
  if (in_place) {
    kept_->input.resize(before + size);
    offerKept();
    return isOpen();
  }
  if (before != 0) kept_->input.clear();
  return offer(at, before + size);
}

// 0: nothing came, for whatever reason.
size_t Connection::receive(char* at, size_t room, size_t& budget) {
  const size_t asked = std::min<size_t>(room, std::exchange(next_read_, net::Loop::kScratchSize));
  const ssize_t got = ::recv(fd_.get(), at, asked, 0);
  if (got <= 0) {
    readable_ = false;
    if (got == 0) {
      end_seen_ = true;
    } else if (errno != EAGAIN && errno != EINTR) {
      failSocket(errno);
    }
    return 0;
  }
  const auto size = static_cast<size_t>(got);
  // Less than asked for: an edge will tell of more. Except when FIN is known to wait.
  short_read_ = size < asked && !peer_closed_;
  budget -= std::min(budget, size);
  return size;
}

// A user may make way for another while it is told.
size_t Connection::tell(char* data, size_t size) {
  const ConnectionUser* told = user_;
  size_t taken = user_->onInput(data, size);
  while (told != user_ && isOpen() && taken < size && !read_paused_) {
    told = user_;
    taken += user_->onInput(data + taken, size - taken);
  }
  return taken;
}

bool Connection::offer(char* data, size_t size) {
  const size_t taken = tell(data, size);
  if (!isOpen()) return false;
  if (taken < size) keep(data + taken, size - taken);
  return true;
}

void Connection::keep(const char* data, size_t size) {
  kept().input.assign(data, size);
  if (sealed_input_) wakeForKept();  // it was made ciphertext while it was offered
}

void Connection::wakeForKept() {
  resumed_ = true;
  event_active(&event_, kWake, 0);
}

void Connection::offerKept() {
  std::string input = std::exchange(kept_->input, {});
  if (sealed_input_) {
    sealed_input_ = false;
    SealedPath::open(*this, input.data(), input.size());
    return;
  }
  const size_t taken = tell(input.data(), input.size());
  loop_.flushTurn();  // views into `input` must not outlive it
  if (!isOpen() || taken == input.size()) return;
  if (taken != 0) input.erase(0, taken);
  kept().input.swap(input);
  if (sealed_input_) wakeForKept();
}

void Connection::resumeRead() {
  if (!read_paused_) return;
  read_paused_ = false;
  resumed_ = true;
  if (unconsumed() != 0 || readable_ || (end_seen_ && !end_told_)) event_active(&event_, kWake, 0);
}

void Connection::write(std::string_view view) {
  if (view.empty()) return;
  if (Outbox* out = openOutbox()) out->add(view);
}

void Connection::writeCopy(std::string_view text) {
  if (Outbox* out = openOutbox()) out->addCopy(text);
}

Outbox* Connection::openOutbox() {
  if (!fd_ || finish_writing_) return nullptr;
  if (outbox_ != nullptr && outbox_->full()) {
    sendPieces();
    if (!fd_) return nullptr;
  }
  if (outbox_ == nullptr) {
    outbox_ = Outbox::take();
    loop_.atTurnEnd(*this);
  }
  return outbox_;
}

void Connection::flush() {
  if (outbox_ != nullptr) {
    sendPieces();
  } else if (tls_ != nullptr && writable_ && queued() != 0) {
    sendQueue();  // of the handshake
  }
}

void Connection::sendPieces() {
  if (tls_ != nullptr) return SealedPath::send(*this);
  Outbox& out = *outbox_;
  size_t sent = 0;
  int error = 0;
  if (writable_ && queued() == 0) {
    const ssize_t n = out.send(fd_.get());
    if (n >= 0) {
      sent = static_cast<size_t>(n);
    } else if (errno != EAGAIN && errno != EINTR) {
      error = errno;
    }
    if (sent < out.bytes()) writable_ = false;
  }
  if (error == 0) {
    bytes_out_ += sent;
    if (counters_ != nullptr && sent != 0) counters_->sent.add(sent);
    if (sent < out.bytes()) out.copyAfter(sent, kept().queue);
  }
  Outbox::give(std::exchange(outbox_, nullptr));
  if (error != 0) return failSocket(error);
  if (queued() >= high_mark_) congested_ = true;
  if (finish_writing_ && queued() == 0) finishWriting();
}

void Connection::sendQueue() {
  while (queued() != 0) {
    const ssize_t n = ::send(fd_.get(), kept_->queue.data() + kept_->sent, queued(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return failSocket(errno);
      writable_ = false;
      break;
    }
    kept_->sent += static_cast<size_t>(n);
    if (tls_ != nullptr) continue;  // counted when it was sealed
    bytes_out_ += static_cast<size_t>(n);
    if (counters_ != nullptr) counters_->sent.add(static_cast<size_t>(n));
  }
  if (queued() == 0) {
    if (kept_ != nullptr) {
      kept_->queue.clear();
      kept_->sent = 0;
    }
    if (finish_writing_) {
      finishWriting();
      if (write_finished_) user_->onWriteFinished();
      return;
    }
  }
  if (congested_ && queued() <= high_mark_ / 4) {
    congested_ = false;
    user_->onWritable();
  }
}

void Connection::finishWriting() {
  if (!fd_ || write_finished_) return;
  if (tls_ != nullptr && !finish_writing_) return SealedPath::finish(*this);
  flush();
  finish_writing_ = true;
  if (!fd_ || queued() != 0 || outbox_ != nullptr) return;
  write_finished_ = true;
  ::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace weir::transport
