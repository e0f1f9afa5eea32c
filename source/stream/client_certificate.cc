#include "source/stream/client_certificate.h"

#include <string>

#include "weir/fields.h"

namespace weir::stream {
namespace {

void add(std::string& to, std::string_view key, std::string_view value, bool quoted) {
  if (!isFieldValue(value)) value = {};
  if (!to.empty()) to += ';';
  to.append(key).append("=");
  if (!quoted && value.find_first_of(",;=\"") == value.npos) {
    to += value;
    return;
  }
  to += '"';
  for (const char c : value) {
    const bool special = c == '"' || (c == '\\' && !quoted);  // RFC 2253 has its own escapes
    if (special && !(quoted && to.back() == '\\')) to += '\\';
    to += c;
  }
  to += '"';
}

}  // namespace

std::string_view clientCertificate(const TlsFacts& tls, const CertificateDetails& told,
                                   Arena& arena) {
  const CertificateFacts& peer = tls.peer.front();
  std::string text;
  if (tls.local != nullptr) {
    for (const std::string& uri : tls.local->uri) add(text, "By", uri, false);
  }
  add(text, "Hash", peer.fingerprint_256, false);
  if (told.cert) add(text, "Cert", peer.pem, true);
  if (told.chain) {
    std::string chain;
    for (const CertificateFacts& certificate : tls.peer) chain += certificate.pem;
    add(text, "Chain", chain, true);
  }
  if (told.subject) add(text, "Subject", peer.subject, true);
  if (told.uri && peer.uri.empty()) add(text, "URI", {}, false);
  if (told.uri) {
    for (const std::string& uri : peer.uri) add(text, "URI", uri, false);
  }
  if (told.dns) {
    for (const std::string& dns : peer.dns) add(text, "DNS", dns, false);
  }
  return arena.copy(text);
}

}  // namespace weir::stream
