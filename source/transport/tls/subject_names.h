// The subject alternative names of a certificate (RFC 5280 §4.2.1.6), as text, by type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/transport/tls/ssl_pointers.h"

namespace weir::transport {

enum class NameType : uint8_t { Dns, Uri, Email, Ip, Other };

struct SubjectName {
  NameType type;
  std::string text;  // an address in its usual form; of Other the value's own text
  std::string oid;   // of Other: "1.3.6.1.4.1.311.20.2.3"
};

// In the certificate's order. A name with a NUL byte is left out: no honest name has one, and what
// is compared as C text would see less of it than was signed.
std::vector<SubjectName> subjectNames(const X509& certificate);
// The common name; empty if there is none, or several.
std::string commonName(const X509& certificate);

// Whether a pattern from a certificate covers a host: "*.example.com" is one label, whole and first
// (RFC 6125 §6.4.3). No case; a dot at the host's end does not count.
bool coversHost(std::string_view pattern, std::string_view host);

}  // namespace weir::transport
