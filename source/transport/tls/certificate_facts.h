// Reads out of certificates and sessions what logs, headers and the admin interface tell.
#pragma once

#include <memory>
#include <string>

#include "source/transport/tls/ssl_pointers.h"
#include "weir/tls_facts.h"

namespace weir::transport {

CertificateFacts factsOf(const X509& certificate);

// Of an established session. `local` is what was shown to the peer, or null.
std::shared_ptr<const TlsFacts> factsOf(const SSL* ssl, bool validated,
                                        std::shared_ptr<const CertificateFacts> local);

std::string hexText(const unsigned char* data, size_t size);
// SHA-256 of the whole certificate, and of its SubjectPublicKeyInfo: what pins compare.
std::string certificateDigest(const X509& certificate);
std::string keyDigest(const X509& certificate);

}  // namespace weir::transport
