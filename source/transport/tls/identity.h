// An Identity is a certificate with its chain and key: who this side is. Read on the main thread,
// immutable, shared by the contexts that show it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/transport/tls/ssl_pointers.h"
#include "weir/result.h"
#include "weir/tls_facts.h"

namespace weir::transport {

struct Identity {
  // PEM, the own certificate first; errors name the field of TlsCertificate and never show what
  // stands in it. `password`: of an encrypted key.
  static Result<std::shared_ptr<const Identity>> fromPem(std::string_view chain,
                                                         std::string_view key,
                                                         std::string_view password);
  static Result<std::shared_ptr<const Identity>> fromPkcs12(std::string_view data,
                                                            std::string_view password);

  bool isEcdsa() const { return EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC; }

  X509Ptr certificate;
  ChainPtr chain;  // without the certificate; may be empty
  KeyPtr key;
  std::vector<std::string> host_names;  // lower case; its DNS names, else its common name
  std::shared_ptr<const CertificateFacts> facts;
  std::vector<std::shared_ptr<const CertificateFacts>> chain_facts;  // for /certs
  std::string path;    // where it was read from; "<inline>"
  std::string staple;  // an OCSP response in DER, or empty
};

// Every certificate and revocation list in a PEM text; false when there is something broken in it.
bool readPemBundle(std::string_view pem, std::vector<X509Ptr>& certificates,
                   std::vector<SslOwned<X509_CRL>>& lists);

}  // namespace weir::transport
