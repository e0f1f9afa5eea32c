#include "source/transport/tls/tls_session.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/transport/tls/certificate_facts.h"
#include "source/transport/tls/tls_context.h"
#include "source/transport/tls/tls_error.h"

namespace weir::transport {
namespace {

// What a record of data is forgiven: its own header and tag, and then some.
constexpr size_t kForgiven = 64;

// OpenSSL's results are judged by the thread's queue of errors, which others may have left full.
void forgetErrors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// Where pieces are put side by side before they are sealed.
char* recordBuffer() {
  thread_local const std::unique_ptr<char[]> buffer =
      std::make_unique_for_overwrite<char[]>(TlsSession::kRecord);
  return buffer.get();
}

}  // namespace

// OpenSSL's view of the session's bytes.
struct SessionBio {
  static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* to, int size) {
    TlsSession& self = session(bio);
    BIO_clear_retry_flags(bio);
    const size_t n = std::min(self.input_size_, static_cast<size_t>(size));
    if (n == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(to, self.input_, n);
    self.input_ += n;
    self.input_size_ -= n;
    return static_cast<int>(n);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    session(bio).out_->append(data, static_cast<size_t>(size));
    return size;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return kMethod;
  }
};

TlsSession::TlsSession(SslPtr ssl, std::shared_ptr<const TlsContext> context)
    : ssl_(std::move(ssl)), context_(std::move(context)) {
  BIO* bio = BIO_new(SessionBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

// A session that was not closed properly may still be resumed: whether it was is a matter of the
// application's framing (RFC 8446 §6.1). OpenSSL would forget it.
TlsSession::~TlsSession() {
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TlsSession* TlsSession::of(const SSL* ssl) {
  return static_cast<TlsSession*>(SSL_get_app_data(ssl));
}

bool TlsSession::shakeHands(std::string& out) {
  if (state_ != State::Handshake) return state_ != State::Failed;
  out_ = &out;
  forgetErrors();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::Open;
    opened_ = true;
    context_->onHandshake(*this);
    return true;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error != SSL_ERROR_WANT_READ) fail(error);
  return false;
}

size_t TlsSession::read(char* to, size_t room, std::string& out) {
  out_ = &out;
  forgetErrors();
  size_t got = 0;
  while (got < room && state_ == State::Open) {
    const size_t before = input_size_;
    size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), to + got, room - got, &n);
    without_data_ += static_cast<uint32_t>(before - input_size_);
    if (result == 1) {
      got += n;
      without_data_ -= std::min(without_data_, static_cast<uint32_t>(n + kForgiven));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) {
      state_ = State::Ended;
    } else if (error != SSL_ERROR_WANT_READ) {
      fail(error);
    } else if (without_data_ > kMostWithoutData) {
      problem_ = "TLS_error: too many messages without data";
      state_ = State::Failed;
    } else {
      break;
    }
  }
  return got;
}

void TlsSession::fail(int error) {
  state_ = State::Failed;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (problem_.empty()) problem_ = describeTlsError(error);
  ERR_clear_error();
  if (!opened_) context_->onHandshakeFailure(*this, reason);
}

void TlsSession::abandon() {
  if (state_ != State::Handshake) return;
  state_ = State::Failed;
  context_->onHandshakeFailure(*this, 0);
}

void TlsSession::write(std::span<const iovec> pieces, std::string& out) {
  if (state_ != State::Open && state_ != State::Ended) return;
  out_ = &out;
  forgetErrors();
  char* const record = recordBuffer();
  size_t filled = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const char* at = static_cast<const char*>(pieces[i].iov_base);
    size_t left = pieces[i].iov_len;
    while (left != 0) {
      const bool last = i + 1 == pieces.size();
      if (filled == 0 && (last || left >= kRecord)) {  // as it lies
        const size_t n = last ? left : left - left % kRecord;
        seal(at, n);
        at += n;
        left -= n;
        continue;
      }
      const size_t n = std::min(left, kRecord - filled);
      std::memcpy(record + filled, at, n);
      filled += n;
      at += n;
      left -= n;
      if (filled == kRecord) seal(record, std::exchange(filled, 0));
    }
  }
  if (filled != 0) seal(record, filled);
}

// The BIO takes everything, so this ends in one call.
void TlsSession::seal(const char* data, size_t size) {
  size_t written = 0;
  if (state_ == State::Failed) return;
  const int result = SSL_write_ex(ssl_.get(), data, size, &written);
  if (result != 1) fail(SSL_get_error(ssl_.get(), result));
}

void TlsSession::end(std::string& out) {
  if (state_ != State::Open && state_ != State::Ended) return;
  out_ = &out;
  forgetErrors();
  SSL_shutdown(ssl_.get());
  forgetErrors();
}

void TlsSession::offerProtocols(std::string_view alpn) {
  if (alpn.empty() || context_->namesProtocols()) return;
  SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                      static_cast<unsigned>(alpn.size()));
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

const std::shared_ptr<const TlsFacts>& TlsSession::facts() const {
  if (facts_ == nullptr && state_ != State::Handshake) {
    facts_ = factsOf(ssl_.get(), validated_, context_->localFacts(ssl_.get()));
  }
  return facts_;
}

}  // namespace weir::transport
