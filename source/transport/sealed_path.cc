#include "source/transport/sealed_path.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "source/transport/connection.h"
#include "source/transport/outbox.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {
namespace {

// A record OpenSSL held a part of comes whole with the rest of it.
constexpr size_t kHeldRecord = TlsSession::kRecord + 1024;
constexpr size_t kMostKept = net::Loop::kScratchSize / 2;
constexpr size_t kOpenedSize = kMostKept + net::Loop::kScratchSize + kHeldRecord;
constexpr size_t kSealedStays = 256 * 1024;  // a longer turn's memory is given back

// Where plain text is put; as of the scratch, only what was used is in memory.
char* openedBuffer() {
  thread_local const std::unique_ptr<char[]> buffer =
      std::make_unique_for_overwrite<char[]>(kOpenedSize);
  return buffer.get();
}

// What is sealed, until it is sent or queued. Empty between two uses.
std::string& sealedBuffer() {
  thread_local std::string buffer;
  return buffer;
}

void emptyOut(std::string& buffer) {
  if (buffer.capacity() > kSealedStays) {
    buffer = {};
  } else {
    buffer.clear();
  }
}

}  // namespace

bool SealedPath::receive(Connection& c, size_t& budget) {
  if (c.sealed_input_ && c.unconsumed() != 0) return false;  // kept: it comes first, when it wakes
  c.sealed_input_ = false;
  char* const at = c.loop_.scratch();
  const size_t size = c.receive(at, net::Loop::kScratchSize, budget);
  return size != 0 && open(c, at, size);
}

bool SealedPath::open(Connection& c, const char* data, size_t size) {
  TlsSession& tls = *c.tls_;
  tls.take(data, size);
  if (tls.state() == TlsSession::State::Handshake && !shakeHands(c)) return c.isOpen();
  std::string& out = sealedBuffer();
  const size_t before = c.unconsumed();
  if (before <= kMostKept) {
    char* const opened = openedBuffer();
    if (before != 0) std::memcpy(opened, c.kept_->input.data(), before);
    const size_t got = tls.read(opened + before, kOpenedSize - before, out);
    sendLater(c, out);
    countReceived(c, got);
    if (before != 0 && got != 0) c.kept_->input.clear();
    if (got != 0 && c.read_paused_) {
      c.keep(opened, before + got);
    } else if (got != 0) {
      c.offer(opened, before + got);
    }
  } else {  // grows where it is kept
    c.kept_->input.resize(before + size + kHeldRecord);
    const size_t got = tls.read(c.kept_->input.data() + before, size + kHeldRecord, out);
    c.kept_->input.resize(before + got);
    sendLater(c, out);
    countReceived(c, got);
    if (!c.read_paused_ && got != 0) c.offerKept();
  }
  if (!c.isOpen()) return false;
  if (tls.state() == TlsSession::State::Ended) {
    c.end_seen_ = true;
    c.readable_ = false;
  }
  if (tls.state() == TlsSession::State::Failed) fail(c);
  return c.isOpen();
}

bool SealedPath::shakeHands(Connection& c) {
  std::string& out = sealedBuffer();
  const bool done = c.tls_->shakeHands(out);
  sendLater(c, out);
  if (c.tls_->state() == TlsSession::State::Failed) {
    fail(c);
    return false;
  }
  if (!done) return false;
  c.user_->onConnected();
  return c.isOpen();
}

// At the turn's end, before what the user writes until then.
void SealedPath::sendLater(Connection& c, std::string& sealed) {
  if (sealed.empty()) return;
  c.kept().queue.append(sealed);
  emptyOut(sealed);
  c.loop_.atTurnEnd(c);
}

void SealedPath::countReceived(Connection& c, size_t size) {
  c.bytes_in_ += size;
  if (c.counters_ != nullptr) c.counters_->received.add(size);
}

void SealedPath::send(Connection& c) {
  Outbox& out = *c.outbox_;
  const bool at_once = c.writable_ && c.queued() == 0;
  std::string& sealed = at_once ? sealedBuffer() : c.kept().queue;
  c.tls_->write(out.pieces(), sealed);
  c.bytes_out_ += out.bytes();
  if (c.counters_ != nullptr) c.counters_->sent.add(out.bytes());
  Outbox::give(std::exchange(c.outbox_, nullptr));
  if (at_once) {
    const ssize_t n = ::send(c.fd_.get(), sealed.data(), sealed.size(), MSG_NOSIGNAL);
    const int error = errno;
    const size_t sent = n < 0 ? 0 : static_cast<size_t>(n);
    if (sent < sealed.size()) {
      c.writable_ = false;
      c.kept().queue.append(sealed, sent);
    }
    emptyOut(sealed);
    if (n < 0 && error != EAGAIN && error != EINTR) return c.failSocket(error);
  } else if (c.writable_) {
    c.sendQueue();
    if (!c.fd_) return;
  }
  if (c.tls_->state() == TlsSession::State::Failed) return fail(c);
  if (c.queued() >= c.high_mark_) c.congested_ = true;
  if (c.finish_writing_ && c.queued() == 0) c.finishWriting();
}

void SealedPath::finish(Connection& c) {
  std::string& queue = c.kept().queue;
  if (c.outbox_ != nullptr) {
    c.bytes_out_ += c.outbox_->bytes();
    if (c.counters_ != nullptr) c.counters_->sent.add(c.outbox_->bytes());
    c.tls_->write(c.outbox_->pieces(), queue);
    Outbox::give(std::exchange(c.outbox_, nullptr));
    c.loop_.cancelTurnEnd(c);
  }
  c.tls_->end(queue);
  c.finish_writing_ = true;
  if (c.queued() == 0) return c.finishWriting();
  if (c.writable_) c.sendQueue();
}

// For whoever still listens; nothing waits for it to arrive.
void SealedPath::sayGoodbye(Connection& c) {
  if (!c.writable_ || c.queued() != 0 || c.finish_writing_) return;
  std::string& out = sealedBuffer();
  c.tls_->end(out);
  if (!out.empty()) ::send(c.fd_.get(), out.data(), out.size(), MSG_NOSIGNAL);
  emptyOut(out);
}

// The alert that tells the peer why should reach it.
void SealedPath::fail(Connection& c) {
  if (c.writable_ && c.queued() != 0) {
    ::send(c.fd_.get(), c.kept_->queue.data() + c.kept_->sent, c.queued(), MSG_NOSIGNAL);
  }
  c.fail(c.tls_->wasOpen() ? FailureKind::ConnectionReset : FailureKind::ConnectFailed,
         c.tls_->problem());
}

void SealedPath::failTruncated(Connection& c) {
  if (c.tls_->state() == TlsSession::State::Handshake) {
    c.tls_->abandon();
    return c.fail(FailureKind::ConnectFailed, "TLS_error: closed by the peer in the handshake");
  }
  c.fail(FailureKind::ConnectionClosed, "TLS_error: closed by the peer without close_notify");
}

}  // namespace weir::transport
