#include "source/transport/tls/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>

#include <cstring>
#include <utility>

#include "source/transport/tls/session_store.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {
namespace {

// What Envoy offers by default, but for what OpenSSL does not know.
constexpr const char* kServerCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256";
// AES-128 first: it costs less than AES-256, and nobody breaks it.
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr long kMostStored = 2048;  // sessions of clients without tickets, about 4 KB each
constexpr size_t kIdSize = 32;

// No server name is an address (RFC 6066 §3).
bool isAddress(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

const TlsContext& contextOf(const void* self) { return *static_cast<const TlsContext*>(self); }

}  // namespace

TlsContext::TlsContext(TlsParts parts, std::shared_ptr<const TlsStats> stats)
    : parts_(std::move(parts)),
      stats_(std::move(stats)),
      ssl_(SSL_CTX_new(parts_.server ? TLS_server_method() : TLS_client_method())) {
  if (parts_.peer) peer_.emplace(*std::exchange(parts_.peer, std::nullopt));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::make(TlsParts parts,
                                                           std::shared_ptr<const TlsStats> stats) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> made(new TlsContext(std::move(parts), std::move(stats)));
  auto error = made->prepare();
  ERR_clear_error();
  if (error) return *std::move(error);
  return std::shared_ptr<const TlsContext>(std::move(made));
}

std::optional<Error> TlsContext::prepare() {
  SSL_CTX* const ssl = ssl_.get();
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  SSL_CTX_set_read_ahead(ssl, 0);
  if (auto error = applyParameters()) return error;
  if (auto error = applyIdentities()) return error;
  if (peer_) {
    if (auto error = peer_->prepare(ssl)) {
      error->field = "validation_context." + error->field;
      return error;
    }
  }
  applyVerification();
  if (parts_.server) {
    applyServer();
  } else {
    if (!parts_.alpn.empty()) {
      SSL_CTX_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(parts_.alpn.data()),
                              static_cast<unsigned>(parts_.alpn.size()));
    }
    SSL_CTX_set_session_cache_mode(ssl, parts_.sessions == nullptr
                                            ? SSL_SESS_CACHE_OFF
                                            : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, onNewSession);
  }
  return std::nullopt;
}

std::optional<Error> TlsContext::applyParameters() {
  SSL_CTX* const ssl = ssl_.get();
  const TlsParameters& parameters = parts_.parameters;
  // TLS 1.0 and 1.1 sign with MD5 and SHA-1, which no higher level lets pass.
  SSL_CTX_set_security_level(ssl, parameters.min_version < TLS1_2_VERSION ? 0 : 1);
  SSL_CTX_set_min_proto_version(ssl, parameters.min_version);
  SSL_CTX_set_max_proto_version(ssl, parameters.max_version);
  const char* ciphers = parameters.ciphers.empty() ? kServerCiphers : parameters.ciphers.c_str();
  if (SSL_CTX_set_cipher_list(ssl, ciphers) != 1) {
    return Error{"tls_params.cipher_suites", "none of these cipher suites is known"};
  }
  SSL_CTX_set_ciphersuites(ssl, kTls13Ciphers);
  const char* groups = parameters.groups.empty() ? kGroups : parameters.groups.c_str();
  if (SSL_CTX_set1_groups_list(ssl, groups) != 1) {
    return Error{"tls_params.ecdh_curves", "not all of these groups are known"};
  }
  const std::string& algorithms = parameters.signature_algorithms;
  if (!algorithms.empty() && SSL_CTX_set1_sigalgs_list(ssl, algorithms.c_str()) != 1) {
    return Error{"tls_params.signature_algorithms", "not all of these algorithms are known"};
  }
  return std::nullopt;
}

// One for all is put where each session has it already; else a session gets its own when the
// client has said whom it wants.
std::optional<Error> TlsContext::applyIdentities() {
  if (parts_.server) names_.emplace(parts_.identities, parts_.scan_on_mismatch);
  if (parts_.identities.size() > 1 && parts_.server) {
    SSL_CTX_set_cert_cb(ssl_.get(), onCertificate, this);
    return std::nullopt;
  }
  for (const auto& identity : parts_.identities) {
    if (SSL_CTX_use_cert_and_key(ssl_.get(), identity->certificate.get(), identity->key.get(),
                                 identity->chain.get(), 1) != 1) {
      return Error{"tls_certificates", "the certificate cannot be used"};
    }
  }
  return std::nullopt;
}

void TlsContext::applyVerification() {
  if (peer_) {
    SSL_CTX_set_cert_verify_callback(ssl_.get(), onVerify, this);
  } else {  // any will do
    SSL_CTX_set_cert_verify_callback(
        ssl_.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  }
  int mode = SSL_VERIFY_NONE;
  if (peer_ && peer_->rules().asksForCertificate()) mode = SSL_VERIFY_PEER;
  if (!parts_.server && peer_) mode = SSL_VERIFY_PEER;
  if (parts_.needs_certificate) mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(ssl_.get(), mode, nullptr);
}

void TlsContext::applyServer() {
  SSL_CTX* const ssl = ssl_.get();
  if (!parts_.client_ciphers) {
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  }
  if (!parts_.alpn.empty()) SSL_CTX_set_alpn_select_cb(ssl, onAlpn, this);
  SSL_CTX_set_tlsext_servername_callback(ssl, onServerName);
  SSL_CTX_set_tlsext_servername_arg(ssl, this);
  unsigned char id[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(parts_.id.data(), parts_.id.size(), id, &size, EVP_sha256(), nullptr);
  SSL_CTX_set_session_id_context(ssl, id, kIdSize);
  SSL_CTX_set_session_cache_mode(ssl, parts_.stateful ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_cache_size(ssl, kMostStored);
  if (parts_.session_seconds != 0) SSL_CTX_set_timeout(ssl, parts_.session_seconds);
  if (parts_.tickets) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, onTicket);
    SSL_CTX_set_num_tickets(ssl, 1);
  } else {
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, parts_.stateful ? 1 : 0);
  }
  SSL_CTX_set_tlsext_status_cb(ssl, onStaple);
  SSL_CTX_set_tlsext_status_arg(ssl, this);
}

std::unique_ptr<TlsSession> TlsContext::accept() const {
  SslPtr ssl(SSL_new(ssl_.get()));
  SSL_set_accept_state(ssl.get());
  return std::make_unique<TlsSession>(std::move(ssl), shared_from_this());
}

std::unique_ptr<TlsSession> TlsContext::connect(const std::string& server_name,
                                                std::string host) const {
  SslPtr ssl(SSL_new(ssl_.get()));
  SSL_set_connect_state(ssl.get());
  if (!server_name.empty() && !isAddress(server_name))
    SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
  // A resumed session is not verified again, so it has to be of the same name.
  if (parts_.sessions != nullptr && (host.empty() || host == server_name)) {
    if (SslSessionPtr known = parts_.sessions->take(server_name)) {
      SSL_set_session(ssl.get(), known.get());
    }
  }
  auto session = std::make_unique<TlsSession>(std::move(ssl), shared_from_this());
  if (!host.empty()) session->expectHost(std::move(host));
  return session;
}

int TlsContext::onVerify(X509_STORE_CTX* store, void* self) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const TlsContext& context = contextOf(self);
  return context.peer_->check(store, *TlsSession::of(ssl), *context.stats_);
}

int TlsContext::onCertificate(SSL* ssl, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const ServerNames::Choice& choice =
      contextOf(self).names_->find(name == nullptr ? std::string_view() : name);
  SSL_certs_clear(ssl);
  for (const Identity* identity : {choice.ecdsa, choice.rsa}) {
    if (identity == nullptr) continue;
    if (SSL_use_cert_and_key(ssl, identity->certificate.get(), identity->key.get(),
                             identity->chain.get(), 1) != 1) {
      return 0;
    }
  }
  return 1;
}

// OpenSSL asks also when the client said nothing.
int TlsContext::onServerName(SSL* ssl, int* alert, void* self) {
  const bool said = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != nullptr;
  if (said) return SSL_TLSEXT_ERR_OK;
  if (!contextOf(self).parts_.needs_server_name) return SSL_TLSEXT_ERR_NOACK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The server's order counts. Without a common name the connection goes on without one, as in Envoy.
int TlsContext::onAlpn(SSL*, const unsigned char** chosen, unsigned char* size,
                       const unsigned char* offered, unsigned offered_size, void* self) {
  const std::string& ours = contextOf(self).parts_.alpn;
  unsigned char* found = nullptr;
  const int result =
      SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int TlsContext::onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int seal) {
  return TlsSession::of(ssl)->context().parts_.ticket_keys->use(name, iv, cipher, mac, seal != 0);
}

int TlsContext::onStaple(SSL* ssl, void* self) {
  const TlsContext& context = contextOf(self);
  context.stats_->ocsp_staple_requests.add();
  const X509* shown = SSL_get_certificate(ssl);
  for (const auto& identity : context.parts_.identities) {
    if (identity->certificate.get() != shown || identity->staple.empty()) continue;
    const std::string& staple = identity->staple;
    void* copy = OPENSSL_memdup(staple.data(), staple.size());
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.size()));
    context.stats_->ocsp_staple_responses.add();
    return SSL_TLSEXT_ERR_OK;
  }
  context.stats_->ocsp_staple_omitted.add();
  return SSL_TLSEXT_ERR_NOACK;
}

int TlsContext::onNewSession(SSL* ssl, SSL_SESSION* session) {
  SessionStore* store = TlsSession::of(ssl)->context().parts_.sessions.get();
  if (store == nullptr || SSL_SESSION_is_resumable(session) != 1) return 0;
  store->put(SslSessionPtr(session));
  return 1;
}

void TlsContext::onHandshake(TlsSession& session) const {
  const SSL* ssl = session.ssl();
  stats_->handshake.add();
  if (SSL_session_reused(ssl) != 0) {
    stats_->session_reused.add();
    // It was verified when it was made, under rules that were the same.
    const bool verified = peer_ && (peer_->rules().verifiesChain() || peer_->rules().pins());
    if (verified && SSL_get0_peer_certificate(ssl) != nullptr && !peer_->rules().accept_untrusted) {
      session.setValidated();
    }
  }
  if (SSL_get0_peer_certificate(ssl) == nullptr) stats_->no_certificate.add();
  countHandshake(ssl);
}

void TlsContext::countHandshake(const SSL* ssl) const {
  stats_->versions.count(SSL_get_version(ssl));
  stats_->ciphers.count(SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)));
  const auto group = SSL_get_negotiated_group(const_cast<SSL*>(ssl));
  if (group <= 0) return;
  if (const char* name = SSL_group_to_name(const_cast<SSL*>(ssl), static_cast<int>(group))) {
    stats_->curves.count(name);
  }
}

void TlsContext::onHandshakeFailure(TlsSession&, int reason) const {
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return;  // counted by what found it
  const bool absent = reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  (absent ? stats_->fail_verify_no_cert : stats_->connection_error).add();
}

std::shared_ptr<const CertificateFacts> TlsContext::localFacts(const SSL* ssl) const {
  const X509* shown = SSL_get_certificate(ssl);
  for (const auto& identity : parts_.identities) {
    if (identity->certificate.get() == shown) return identity->facts;
  }
  return nullptr;
}

}  // namespace weir::transport
