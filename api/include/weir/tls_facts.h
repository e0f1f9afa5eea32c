// TlsFacts is what is known of a TLS connection once its handshake is over: for access logs,
// x-forwarded-client-cert, routes that ask for certificates, and filters. Immutable; shared by
// whoever may outlive the connection.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct CertificateFacts {
  std::string subject;          // RFC 2253
  std::string issuer;           // RFC 2253
  std::string serial;           // lower-case hexadecimal
  std::string fingerprint_256;  // of the DER, lower-case hexadecimal
  std::string fingerprint_1;
  std::string pem;  // as percent-encoded as a header wants it
  std::vector<std::string> dns, uri, email, ip, other_name;
  std::chrono::system_clock::time_point valid_from{};
  std::chrono::system_clock::time_point valid_until{};
};

struct TlsFacts {
  std::string_view version;  // "TLSv1.3"; static
  std::string_view cipher;   // "TLS_AES_128_GCM_SHA256"; static
  std::string_view group;    // "X25519", or nothing; static
  std::string server_name;   // asked for by the client, lower case
  std::string alpn;
  std::string session_id;                         // hexadecimal; empty where there is none
  std::vector<CertificateFacts> peer;             // its chain as presented, its own first
  std::shared_ptr<const CertificateFacts> local;  // null: none was shown
  bool peer_validated = false;                    // against a trusted authority or a pin

  bool hasPeer() const { return !peer.empty(); }
};

}  // namespace weir
