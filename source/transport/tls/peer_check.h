// A PeerCheck decides whether the other side is who it should be: what a
// CertificateValidationContext means. Built on the main thread, immutable; its check runs inside
// the handshake, on the connection's worker.
//
// A certificate passes when its chain leads to a trusted authority (if there is one), when one of
// the pins fits (if there are any), and when one of its names is among those wanted (if any are).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "source/transport/tls/ssl_pointers.h"
#include "source/transport/tls/subject_names.h"
#include "source/transport/tls/tls_stats.h"
#include "weir/result.h"
#include "weir/string_matcher.h"
#include "weir/tls_facts.h"

namespace weir::transport {

class TlsSession;

// One name wanted of a certificate.
struct NameMatcher {
  NameType type = NameType::Dns;
  std::optional<std::string> exact_host;  // of DNS names: covers wildcards in the certificate
  std::optional<StringMatcher> matcher;   // else
  std::string oid;                        // of Other

  bool matches(const SubjectName& name) const;
};

struct PeerRules {
  std::vector<X509Ptr> authorities;
  std::vector<SslOwned<X509_CRL>> revoked;
  bool system_roots = false;
  bool only_leaf_revocation = false;
  bool allow_expired = false;
  bool accept_untrusted = false;  // what fails is let in, and not called validated
  bool hide_authorities = false;  // from clients
  std::optional<uint32_t> max_depth;
  std::vector<NameMatcher> names;
  std::unordered_set<std::string> certificate_pins;  // SHA-256, 32 bytes
  std::unordered_set<std::string> key_pins;
  std::string authorities_path;  // "<inline>"

  bool verifiesChain() const { return system_roots || !authorities.empty(); }
  bool pins() const { return !certificate_pins.empty() || !key_pins.empty(); }
  bool asksForCertificate() const { return verifiesChain() || pins() || accept_untrusted; }
};

class PeerCheck {
 public:
  explicit PeerCheck(PeerRules rules);

  // Trust and revocation go into the context's store; the context calls check().
  std::optional<Error> prepare(SSL_CTX* context) const;
  // As SSL_CTX_set_cert_verify_callback wants it: 1 accepts.
  int check(X509_STORE_CTX* store, TlsSession& session, const TlsStats& stats) const;

  const PeerRules& rules() const { return rules_; }
  const std::vector<std::shared_ptr<const CertificateFacts>>& authorityFacts() const {
    return facts_;
  }

 private:
  bool verifyChain(X509_STORE_CTX* store, TlsSession& session, const TlsStats& stats) const;
  bool fitsPins(const X509& certificate) const;
  bool hasName(const X509& certificate, std::string_view instead) const;

  PeerRules rules_;
  std::vector<std::shared_ptr<const CertificateFacts>> facts_;
};

}  // namespace weir::transport
