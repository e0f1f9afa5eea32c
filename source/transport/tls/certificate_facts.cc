#include "source/transport/tls/certificate_facts.h"

#include <openssl/pem.h>

#include <ctime>

#include "source/transport/tls/subject_names.h"

namespace weir::transport {
namespace {

std::string contentOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string nameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return contentOf(bio.get());
}

std::string serialText(const X509& certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  const SslOwned<BIGNUM> number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (number == nullptr) return {};
  char* digits = BN_bn2hex(number.get());
  std::string text(digits);
  OPENSSL_free(digits);
  for (char& c : text) c = static_cast<char>(::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string digestText(const X509& certificate, const EVP_MD* how) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(&certificate, how, digest, &size) != 1) return {};
  return hexText(digest, size);
}

std::chrono::system_clock::time_point timeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

// PEM in a header: what Envoy encodes, it encodes with upper-case digits.
std::string encodedPem(const X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), const_cast<X509*>(&certificate));
  std::string text;
  for (const char c : contentOf(bio.get())) {
    switch (c) {
      case '\n':
        text += "%0A";
        break;
      case ' ':
        text += "%20";
        break;
      case '+':
        text += "%2B";
        break;
      case '/':
        text += "%2F";
        break;
      case '=':
        text += "%3D";
        break;
      default:
        text += c;
    }
  }
  return text;
}

std::string_view groupOf(const SSL* ssl) {
  const auto group = SSL_get_negotiated_group(const_cast<SSL*>(ssl));
  if (group <= 0) return {};
  const char* name = SSL_group_to_name(const_cast<SSL*>(ssl), static_cast<int>(group));
  return name == nullptr ? std::string_view() : std::string_view(name);
}

}  // namespace

std::string hexText(const unsigned char* data, size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  return text;
}

std::string certificateDigest(const X509& certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest, &size) != 1) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

std::string keyDigest(const X509& certificate) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &der);
  const SslOwned<unsigned char> owned(der);
  if (length <= 0) return {};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(der, static_cast<size_t>(length), digest, &size, EVP_sha256(), nullptr) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(digest), size};
}

CertificateFacts factsOf(const X509& certificate) {
  CertificateFacts facts;
  facts.subject = nameText(X509_get_subject_name(&certificate));
  facts.issuer = nameText(X509_get_issuer_name(&certificate));
  facts.serial = serialText(certificate);
  facts.fingerprint_256 = digestText(certificate, EVP_sha256());
  facts.fingerprint_1 = digestText(certificate, EVP_sha1());
  facts.pem = encodedPem(certificate);
  facts.valid_from = timeOf(X509_get0_notBefore(&certificate));
  facts.valid_until = timeOf(X509_get0_notAfter(&certificate));
  for (SubjectName& name : subjectNames(certificate)) {
    switch (name.type) {
      case NameType::Dns:
        facts.dns.push_back(std::move(name.text));
        break;
      case NameType::Uri:
        facts.uri.push_back(std::move(name.text));
        break;
      case NameType::Email:
        facts.email.push_back(std::move(name.text));
        break;
      case NameType::Ip:
        facts.ip.push_back(std::move(name.text));
        break;
      case NameType::Other:
        facts.other_name.push_back(std::move(name.text));
        break;
    }
  }
  return facts;
}

std::shared_ptr<const TlsFacts> factsOf(const SSL* ssl, bool validated,
                                        std::shared_ptr<const CertificateFacts> local) {
  auto facts = std::make_shared<TlsFacts>();
  facts->version = SSL_get_version(ssl);
  facts->cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
  facts->group = groupOf(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    facts->server_name = name;
    for (char& c : facts->server_name) {
      c = static_cast<char>(::tolower(static_cast<unsigned char>(c)));
    }
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  facts->alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  unsigned id_size = 0;
  const unsigned char* id = SSL_SESSION_get_id(SSL_get0_session(ssl), &id_size);
  facts->session_id = hexText(id, id_size);
  facts->local = std::move(local);
  facts->peer_validated = validated;
  // A server's chain has not the peer's own certificate; after resumption there is no chain.
  X509* const own = SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return facts;
  facts->peer.push_back(factsOf(*own));
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  const int first = SSL_is_server(ssl) != 0 ? 0 : 1;
  for (int i = first; chain != nullptr && i < sk_X509_num(chain); ++i) {
    facts->peer.push_back(factsOf(*sk_X509_value(chain, i)));
  }
  return facts;
}

}  // namespace weir::transport
