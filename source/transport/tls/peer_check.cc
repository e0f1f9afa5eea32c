#include "source/transport/tls/peer_check.h"

#include <openssl/err.h>

#include <algorithm>

#include "source/transport/tls/certificate_facts.h"
#include "source/transport/tls/tls_error.h"
#include "source/transport/tls/tls_session.h"

namespace weir::transport {
namespace {

// Of allow_expired_certificate: only the two dates of certificates are looked away from.
int forgiveDates(int ok, X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID) return ok;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

}  // namespace

bool NameMatcher::matches(const SubjectName& name) const {
  if (name.type != type || (type == NameType::Other && name.oid != oid)) return false;
  return exact_host ? coversHost(name.text, *exact_host) : matcher->matches(name.text);
}

PeerCheck::PeerCheck(PeerRules rules) : rules_(std::move(rules)) {
  for (const X509Ptr& authority : rules_.authorities) {
    facts_.push_back(std::make_shared<CertificateFacts>(factsOf(*authority)));
  }
}

std::optional<Error> PeerCheck::prepare(SSL_CTX* context) const {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& authority : rules_.authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) {
      ERR_clear_error();
      return Error{"trusted_ca", "a certificate in it cannot be used"};
    }
    if (!rules_.hide_authorities) SSL_CTX_add_client_CA(context, authority.get());
  }
  if (rules_.system_roots && X509_STORE_set_default_paths(store) != 1) {
    ERR_clear_error();
    return Error{"system_root_certs", "the system's certificates cannot be read"};
  }
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;  // an intermediate may be the trusted one
  for (const auto& list : rules_.revoked) X509_STORE_add_crl(store, list.get());
  if (!rules_.revoked.empty()) {
    flags |= X509_V_FLAG_CRL_CHECK;
    if (!rules_.only_leaf_revocation) flags |= X509_V_FLAG_CRL_CHECK_ALL;
  }
  X509_STORE_set_flags(store, flags);
  if (rules_.max_depth) SSL_CTX_set_verify_depth(context, static_cast<int>(*rules_.max_depth));
  return std::nullopt;
}

int PeerCheck::check(X509_STORE_CTX* store, TlsSession& session, const TlsStats& stats) const {
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  bool good = certificate != nullptr && verifyChain(store, session, stats);
  if (good && rules_.pins() && !fitsPins(*certificate)) {
    stats.fail_verify_cert_hash.add();
    session.refuse("TLS_error: certificate verify failed: no pinned hash fits the certificate");
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    good = false;
  }
  const std::string_view host = session.expectedHost();
  if (good && (!rules_.names.empty() || !host.empty()) && !hasName(*certificate, host)) {
    stats.fail_verify_san.add();
    session.refuse("TLS_error: certificate verify failed: no name of the certificate is wanted");
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
    good = false;
  }
  if (good) {
    if (rules_.verifiesChain() || rules_.pins()) session.setValidated();
    return 1;
  }
  if (!rules_.accept_untrusted) return 0;
  session.refuse({});
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

bool PeerCheck::verifyChain(X509_STORE_CTX* store, TlsSession& session,
                            const TlsStats& stats) const {
  if (!rules_.verifiesChain()) return true;
  if (rules_.allow_expired) X509_STORE_CTX_set_verify_cb(store, forgiveDates);
  if (X509_verify_cert(store) == 1) return true;
  stats.fail_verify_error.add();
  session.refuse(describeVerifyError(X509_STORE_CTX_get_error(store)));
  return false;
}

bool PeerCheck::fitsPins(const X509& certificate) const {
  return rules_.certificate_pins.contains(certificateDigest(certificate)) ||
         rules_.key_pins.contains(keyDigest(certificate));
}

// `instead`: a host of this connection that takes the place of what the configuration wants.
bool PeerCheck::hasName(const X509& certificate, std::string_view instead) const {
  for (const SubjectName& name : subjectNames(certificate)) {
    if (!instead.empty()) {
      if (name.type == NameType::Dns && coversHost(name.text, instead)) return true;
      if (name.type == NameType::Ip && name.text == instead) return true;
      continue;
    }
    for (const NameMatcher& wanted : rules_.names) {
      if (wanted.matches(name)) return true;
    }
  }
  return false;
}

}  // namespace weir::transport
