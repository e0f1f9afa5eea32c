// A TlsSession is one side of one TLS connection without its socket: ciphertext goes in and comes
// out as bytes, plain text likewise. transport::Connection has one when it is secured.
//
//   take, shakeHands until it is over; then (take, read until 0)* and write*, end?
//
// Everything of what take() was given has been read when shakeHands() or read() say that they want
// more: a partial record is kept by OpenSSL, nothing is kept here. What must be sent is appended to
// `out`, alerts too. Renegotiation is refused (RFC 5746 is not a reason to allow it), and a peer
// that sends handshake messages without data for long is cut off. One thread at a time.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "source/transport/tls/ssl_pointers.h"
#include "weir/tls_facts.h"

namespace weir::transport {

class TlsContext;

class TlsSession {
 public:
  enum class State : uint8_t { Handshake, Open, Ended, Failed };  // Ended: close_notify came

  // Bytes that carry no data, net of those that do, after which a peer is cut off (KeyUpdate and
  // NewSessionTicket have no limit of their own; RFC 8446 §4.6.3).
  static constexpr size_t kMostWithoutData = 32 * 1024;
  static constexpr size_t kRecord = 16 * 1024;

  // `ssl` has its role. The context's callbacks find the session.
  TlsSession(SslPtr ssl, std::shared_ptr<const TlsContext> context);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  State state() const { return state_; }
  bool wasOpen() const { return opened_; }  // whatever came of it later
  bool isServer() const { return SSL_is_server(ssl_.get()) != 0; }

  // The bytes stay the caller's, and there until all were read.
  void take(const char* data, size_t size) {
    input_ = data;
    input_size_ = size;
  }
  // Goes on; true when the handshake is over, also if it was before.
  bool shakeHands(std::string& out);
  // Decrypts until `room` is full or the input is used up. Less than `room`: all was read, or
  // state() is Ended or Failed.
  size_t read(char* to, size_t room, std::string& out);
  // Small pieces share records.
  void write(std::span<const iovec> pieces, std::string& out);
  // Says that nothing more is written (close_notify).
  void end(std::string& out);

  // The socket closed before the handshake was over.
  void abandon();

  // Why it failed, or why the peer's certificate was refused; for Failure::detail.
  std::string_view problem() const { return problem_; }
  void refuse(std::string_view why) { problem_ = why; }  // static; from the context's callbacks
  // A client's, before connect(), where the configuration names no protocols: those, in wire form.
  void offerProtocols(std::string_view alpn);
  // A client's: the host that the server's certificate must be for.
  void expectHost(std::string host) {
    host_ = std::make_unique<const std::string>(std::move(host));
  }
  std::string_view expectedHost() const {
    return host_ == nullptr ? std::string_view() : std::string_view(*host_);
  }

  // After the handshake. alpn() is empty where none was agreed on.
  std::string_view alpn() const;
  // What the peer was, with its certificates; made at the first call.
  const std::shared_ptr<const TlsFacts>& facts() const;
  void setValidated() { validated_ = true; }
  const TlsContext& context() const { return *context_; }
  SSL* ssl() const { return ssl_.get(); }

  static TlsSession* of(const SSL* ssl);

 private:
  friend struct SessionBio;
  void seal(const char* data, size_t size);
  void fail(int error);

  SslPtr ssl_;
  std::shared_ptr<const TlsContext> context_;
  const char* input_ = nullptr;
  size_t input_size_ = 0;
  std::string* out_ = nullptr;  // during a call
  std::string_view problem_;
  std::unique_ptr<const std::string> host_;
  mutable std::shared_ptr<const TlsFacts> facts_;
  uint32_t without_data_ = 0;
  State state_ = State::Handshake;
  bool opened_ = false;
  bool validated_ = false;
};

}  // namespace weir::transport
