// A Connection whose bytes are TLS. One recv brings ciphertext into the loop's scratch, all of it
// is opened into a second buffer and offered; what a turn writes is sealed into records side by
// side and leaves in one send. Neither buffer belongs to a connection.
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
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

// Where plain text is put; as the scratch, only what was used is in memory.
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

void Connection::secure(std::unique_ptr<TlsSession> session) {
  tls_ = std::move(session);
  sealed_input_ = true;
  if (unconsumed() != 0) wakeForKept();
  if (fd_ && !connecting_ && !tls_->isServer()) shakeHands();
}

std::string_view Connection::alpn() const {
  return tls_ == nullptr ? std::string_view() : tls_->alpn();
}

std::shared_ptr<const TlsFacts> Connection::tls() const {
  return tls_ == nullptr ? nullptr : tls_->facts();
}

bool Connection::receiveSealed(size_t& budget) {
  sealed_input_ = false;
  char* const at = loop_.scratch();
  const size_t size = receive(at, net::Loop::kScratchSize, budget);
  return size != 0 && openSealed(at, size);
}

bool Connection::openSealed(const char* data, size_t size) {
  tls_->take(data, size);
  if (tls_->state() == TlsSession::State::Handshake && !shakeHands()) return isOpen();
  std::string& out = sealedBuffer();
  const size_t before = unconsumed();
  size_t got = 0;
  if (before <= kMostKept) {
    char* const opened = openedBuffer();
    if (before != 0) std::memcpy(opened, kept_->input.data(), before);
    got = tls_->read(opened + before, kOpenedSize - before, out);
    sendLater(out);
    if (before != 0 && got != 0) kept_->input.clear();
    countReceived(got);
    if (got != 0 && read_paused_) {
      keep(opened, before + got);
    } else if (got != 0) {
      offer(opened, before + got);
    }
  } else {  // grows where it is kept
    kept_->input.resize(before + size + kHeldRecord);
    got = tls_->read(kept_->input.data() + before, size + kHeldRecord, out);
    kept_->input.resize(before + got);
    sendLater(out);
    countReceived(got);
    if (!read_paused_ && got != 0) offerKept();
  }
  if (!isOpen()) return false;
  if (tls_->state() == TlsSession::State::Ended) {
    end_seen_ = true;
    readable_ = false;
  }
  if (tls_->state() == TlsSession::State::Failed) failSealed();
  return isOpen();
}

// False: not yet over, or over and the connection is closed.
bool Connection::shakeHands() {
  std::string& out = sealedBuffer();
  const bool done = tls_->shakeHands(out);
  sendLater(out);
  if (tls_->state() == TlsSession::State::Failed) {
    failSealed();
    return false;
  }
  if (!done) return false;
  user_->onConnected();
  return isOpen();
}

void Connection::countReceived(size_t size) {
  bytes_in_ += size;
  if (counters_ != nullptr) counters_->received.add(size);
}

// At the turn's end, before what the user writes until then.
void Connection::sendLater(std::string& sealed) {
  if (sealed.empty()) return;
  kept().queue.append(sealed);
  emptyOut(sealed);
  loop_.atTurnEnd(*this);
}

void Connection::sendSealed() {
  Outbox& out = *outbox_;
  const size_t plain = out.bytes();
  const bool at_once = writable_ && queued() == 0;
  std::string& sealed = at_once ? sealedBuffer() : kept().queue;
  tls_->write(out.pieces(), sealed);
  Outbox::give(std::exchange(outbox_, nullptr));
  bytes_out_ += plain;
  if (counters_ != nullptr) counters_->sent.add(plain);
  if (at_once) {
    const ssize_t n = ::send(fd_.get(), sealed.data(), sealed.size(), MSG_NOSIGNAL);
    const int error = errno;
    const size_t sent = n < 0 ? 0 : static_cast<size_t>(n);
    if (sent < sealed.size()) {
      writable_ = false;
      kept().queue.append(sealed, sent);
    }
    emptyOut(sealed);
    if (n < 0 && error != EAGAIN && error != EINTR) return failSocket(error);
  } else if (writable_) {
    sendQueue();
    if (!fd_) return;
  }
  if (tls_->state() == TlsSession::State::Failed) return failSealed();
  if (queued() >= high_mark_) congested_ = true;
  if (finish_writing_ && queued() == 0) finishWriting();
}

// What is written, close_notify behind it, then FIN.
void Connection::finishSealed() {
  std::string& queue = kept().queue;
  if (outbox_ != nullptr) {
    bytes_out_ += outbox_->bytes();
    if (counters_ != nullptr) counters_->sent.add(outbox_->bytes());
    tls_->write(outbox_->pieces(), queue);
    Outbox::give(std::exchange(outbox_, nullptr));
    loop_.cancelTurnEnd(*this);
  }
  tls_->end(queue);
  finish_writing_ = true;
  if (queued() == 0) return finishWriting();
  if (writable_) sendQueue();
}

// close_notify for whoever still listens. Nothing waits for it to arrive.
void Connection::sayGoodbye() {
  if (!writable_ || queued() != 0 || finish_writing_) return;
  std::string& out = sealedBuffer();
  tls_->end(out);
  if (!out.empty()) ::send(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL);
  emptyOut(out);
}

// The alert that tells the peer why should reach it.
void Connection::failSealed() {
  if (writable_ && queued() != 0) {
    ::send(fd_.get(), kept_->queue.data() + kept_->sent, queued(), MSG_NOSIGNAL);
  }
  fail(tls_->wasOpen() ? FailureKind::ConnectionReset : FailureKind::ConnectFailed,
       tls_->problem());
}

void Connection::failTruncated() {
  if (tls_->state() == TlsSession::State::Handshake) {
    tls_->abandon();
    return fail(FailureKind::ConnectFailed, "TLS_error: closed by the peer in the handshake");
  }
  fail(FailureKind::ConnectionClosed, "TLS_error: closed by the peer without close_notify");
}

}  // namespace weir::transport
