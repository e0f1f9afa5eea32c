// The element that tells the next hop of a client's certificate: x-forwarded-client-cert, as Envoy
// writes it ("By=…;Hash=…;Subject=\"…\";URI=…;DNS=…").
#pragma once

#include <string_view>

#include "weir/arena.h"
#include "weir/tls_facts.h"

namespace weir::stream {

// set_current_client_cert_details: what is told besides By and Hash.
struct CertificateDetails {
  bool cert = false;
  bool chain = false;
  bool subject = false;
  bool uri = false;
  bool dns = false;
};

// `tls` has a peer. What cannot stand in a header is left out; what could be taken for another
// element or key is quoted.
std::string_view clientCertificate(const TlsFacts& tls, const CertificateDetails& told,
                                   Arena& arena);

}  // namespace weir::stream
