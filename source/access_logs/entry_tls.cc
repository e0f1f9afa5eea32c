#include "source/access_logs/entry_tls.h"

#include <cstdint>
#include <utility>

#include "source/access_logs/entry_text.h"

namespace weir::access_logs {
namespace {

using Properties = envoy::data::accesslog::v3::TLSProperties;

constexpr std::pair<std::string_view, Properties::TLSVersion> kVersions[] = {
    {"TLSv1.3", Properties::TLSv1_3},
    {"TLSv1.2", Properties::TLSv1_2},
    {"TLSv1.1", Properties::TLSv1_1},
    {"TLSv1", Properties::TLSv1},
};

// OpenSSL's names and IANA's numbers of what it offers by default.
constexpr std::pair<std::string_view, uint16_t> kCiphers[] = {
    {"TLS_AES_128_GCM_SHA256", 0x1301},
    {"TLS_AES_256_GCM_SHA384", 0x1302},
    {"TLS_CHACHA20_POLY1305_SHA256", 0x1303},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", 0xc02c},
    {"ECDHE-RSA-AES128-GCM-SHA256", 0xc02f},
    {"ECDHE-RSA-AES256-GCM-SHA384", 0xc030},
    {"ECDHE-RSA-CHACHA20-POLY1305", 0xcca8},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9},
    {"DHE-RSA-CHACHA20-POLY1305", 0xccaa},
    {"DHE-RSA-AES128-GCM-SHA256", 0x009e},
    {"DHE-RSA-AES256-GCM-SHA384", 0x009f},
    {"ECDHE-ECDSA-AES128-SHA256", 0xc023},
    {"ECDHE-ECDSA-AES256-SHA384", 0xc024},
    {"ECDHE-RSA-AES128-SHA256", 0xc027},
    {"ECDHE-RSA-AES256-SHA384", 0xc028},
    {"ECDHE-ECDSA-AES128-SHA", 0xc009},
    {"ECDHE-ECDSA-AES256-SHA", 0xc00a},
    {"ECDHE-RSA-AES128-SHA", 0xc013},
    {"ECDHE-RSA-AES256-SHA", 0xc014},
    {"DHE-RSA-AES128-SHA256", 0x0067},
    {"DHE-RSA-AES256-SHA256", 0x006b},
    {"DHE-RSA-AES128-SHA", 0x0033},
    {"DHE-RSA-AES256-SHA", 0x0039},
    {"AES128-GCM-SHA256", 0x009c},
    {"AES256-GCM-SHA384", 0x009d},
    {"AES128-SHA256", 0x003c},
    {"AES256-SHA256", 0x003d},
    {"AES128-SHA", 0x002f},
    {"AES256-SHA", 0x0035},
};

void setCertificate(const CertificateFacts& facts, Properties::CertificateProperties& to) {
  to.set_subject(entryText(facts.subject));
  to.set_issuer(entryText(facts.issuer));
  for (const std::string& uri : facts.uri) to.add_subject_alt_name()->set_uri(entryText(uri));
  for (const std::string& dns : facts.dns) to.add_subject_alt_name()->set_dns(entryText(dns));
}

}  // namespace

void setTls(const TlsFacts& facts, std::string_view server_name,
            envoy::data::accesslog::v3::AccessLogCommon& common) {
  Properties& to = *common.mutable_tls_properties();
  for (const auto& [name, version] : kVersions) {
    if (name == facts.version) to.set_tls_version(version);
  }
  for (const auto& [name, number] : kCiphers) {
    if (name == facts.cipher) to.mutable_tls_cipher_suite()->set_value(number);
  }
  to.set_tls_sni_hostname(entryText(server_name));
  to.set_tls_session_id(facts.session_id);
  if (facts.hasPeer())
    setCertificate(facts.peer.front(), *to.mutable_peer_certificate_properties());
  if (facts.local != nullptr) {
    setCertificate(*facts.local, *to.mutable_local_certificate_properties());
  }
}

}  // namespace weir::access_logs
