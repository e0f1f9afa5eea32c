// A TlsContext is everything the handshakes of one listener's filter chain, or towards one cluster,
// have in common: an SSL_CTX with the certificates to show, the check of the peer, ALPN, tickets.
// Built on the main thread (tls_plan.h), immutable; any worker opens sessions, and each session
// keeps its context alive. New certificates make a new context.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/transport/tls/identity.h"
#include "source/transport/tls/peer_check.h"
#include "source/transport/tls/server_names.h"
#include "source/transport/tls/ticket_keys.h"
#include "source/transport/tls/tls_stats.h"

namespace weir::transport {

class TlsSession;
class SessionStore;

// What both roles have; lists as OpenSSL reads them, empty for its default.
struct TlsParameters {
  int min_version = TLS1_2_VERSION;
  int max_version = TLS1_3_VERSION;
  std::string ciphers;  // of TLS 1.2 and before
  std::string groups;
  std::string signature_algorithms;
};

struct TlsParts {
  bool server = false;
  TlsParameters parameters;
  std::vector<std::shared_ptr<const Identity>> identities;
  std::optional<PeerRules> peer;
  std::string alpn;  // wire form: each name after its length
  std::string id;    // what tells it from others: sessions of those are not resumed

  // A server's.
  bool needs_certificate = false;
  bool needs_server_name = false;
  bool scan_on_mismatch = false;
  bool client_ciphers = false;  // the client's order counts
  bool tickets = true;          // stateless resumption
  bool stateful = true;
  std::shared_ptr<TicketKeys> ticket_keys;
  long session_seconds = 0;  // 0: OpenSSL's

  // A client's.
  std::shared_ptr<SessionStore> sessions;  // null: none are resumed
};

class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  // Errors name fields of CommonTlsContext.
  static Result<std::shared_ptr<const TlsContext>> make(TlsParts parts,
                                                        std::shared_ptr<const TlsStats> stats);

  std::unique_ptr<TlsSession> accept() const;
  // `server_name`: asked for, empty: not said. `host`: what the certificate must be for, in place
  // of the configured names; empty: those.
  std::unique_ptr<TlsSession> connect(const std::string& server_name, std::string host) const;

  bool namesProtocols() const { return !parts_.alpn.empty(); }

  // From sessions.
  void onHandshake(TlsSession& session) const;
  void onHandshakeFailure(TlsSession& session, int reason) const;
  std::shared_ptr<const CertificateFacts> localFacts(const SSL* ssl) const;

  const std::vector<std::shared_ptr<const Identity>>& identities() const {
    return parts_.identities;
  }
  const PeerCheck* peer() const { return peer_ ? &*peer_ : nullptr; }

 private:
  TlsContext(TlsParts parts, std::shared_ptr<const TlsStats> stats);

  std::optional<Error> prepare();
  std::optional<Error> applyParameters();
  std::optional<Error> applyIdentities();
  void applyServer();
  void applyVerification();
  void countHandshake(const SSL* ssl) const;

  // OpenSSL's callbacks; `self` is a const TlsContext.
  static int onVerify(X509_STORE_CTX* store, void* self);
  static int onCertificate(SSL* ssl, void* self);
  static int onServerName(SSL* ssl, int* alert, void* self);
  static int onAlpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* self);
  static int onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                      EVP_MAC_CTX* mac, int seal);
  static int onStaple(SSL* ssl, void* self);
  static int onNewSession(SSL* ssl, SSL_SESSION* session);

  TlsParts parts_;
  std::shared_ptr<const TlsStats> stats_;
  SslContextPtr ssl_;
  std::optional<PeerCheck> peer_;
  std::optional<ServerNames> names_;
};

}  // namespace weir::transport
