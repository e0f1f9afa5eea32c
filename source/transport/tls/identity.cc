#include "source/transport/tls/identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <algorithm>

#include "source/transport/tls/certificate_facts.h"
#include "source/transport/tls/subject_names.h"
#include "weir/string_matcher.h"

namespace weir::transport {
namespace {

constexpr int kLeastRsaBits = 2048;

BioPtr readerOf(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int givePassword(char* to, int room, int, void* password) {
  const auto& text = *static_cast<const std::string_view*>(password);
  if (text.size() > static_cast<size_t>(room)) return -1;
  std::copy(text.begin(), text.end(), to);
  return static_cast<int>(text.size());
}

// The reason, never the text it is about.
std::string lastError() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "it cannot be read" : reason;
}

bool readChain(std::string_view pem, Identity& made) {
  const BioPtr bio = readerOf(pem);
  made.certificate.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (made.certificate == nullptr) return false;
  made.chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(made.chain.get(), next);
  }
  return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

// What Envoy takes: RSA of 2048 bits and more, the three NIST curves.
std::string keyProblem(const EVP_PKEY& key) {
  const int type = EVP_PKEY_get_base_id(&key);
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) {
    const int bits = EVP_PKEY_get_bits(&key);
    if (bits >= kLeastRsaBits) return {};
    return "an RSA key of " + std::to_string(bits) + " bits is too weak: at least 2048 are needed";
  }
  if (type == EVP_PKEY_EC) {
    char group[64];
    size_t size = 0;
    EVP_PKEY_get_group_name(&key, group, sizeof group, &size);
    const std::string_view name(group, size);
    if (name == "prime256v1" || name == "secp384r1" || name == "secp521r1") return {};
    return "the curve " + std::string(name) + " is not supported, only P-256, P-384 and P-521";
  }
  return "only RSA and ECDSA keys are supported";
}

Result<std::shared_ptr<const Identity>> finish(std::shared_ptr<Identity> made,
                                               std::string_view key_field) {
  if (const std::string problem = keyProblem(*made->key); !problem.empty()) {
    return Error{std::string(key_field), problem};
  }
  if (X509_check_private_key(made->certificate.get(), made->key.get()) != 1) {
    ERR_clear_error();
    return Error{std::string(key_field), "the key does not belong to the certificate"};
  }
  auto facts = std::make_shared<CertificateFacts>(factsOf(*made->certificate));
  for (const std::string& name : facts->dns) made->host_names.push_back(asciiLower(name));
  if (made->host_names.empty()) {
    if (const std::string name = commonName(*made->certificate); !name.empty()) {
      made->host_names.push_back(asciiLower(name));
    }
  }
  made->facts = std::move(facts);
  for (int i = 0; i < sk_X509_num(made->chain.get()); ++i) {
    made->chain_facts.push_back(
        std::make_shared<CertificateFacts>(factsOf(*sk_X509_value(made->chain.get(), i))));
  }
  return std::shared_ptr<const Identity>(std::move(made));
}

}  // namespace

Result<std::shared_ptr<const Identity>> Identity::fromPem(std::string_view chain,
                                                          std::string_view key,
                                                          std::string_view password) {
  ERR_clear_error();
  auto made = std::make_shared<Identity>();
  if (!readChain(chain, *made)) {
    return Error{"certificate_chain", "expected certificates in PEM: " + lastError()};
  }
  ERR_clear_error();
  made->key.reset(PEM_read_bio_PrivateKey(readerOf(key).get(), nullptr, givePassword, &password));
  if (made->key == nullptr) {
    return Error{"private_key", "expected a private key in PEM: " + lastError()};
  }
  return finish(std::move(made), "private_key");
}

Result<std::shared_ptr<const Identity>> Identity::fromPkcs12(std::string_view data,
                                                             std::string_view password) {
  ERR_clear_error();
  auto made = std::make_shared<Identity>();
  PKCS12* bag = d2i_PKCS12_bio(readerOf(data).get(), nullptr);
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* chain = nullptr;
  const bool read = bag != nullptr && PKCS12_parse(bag, std::string(password).c_str(), &key,
                                                   &certificate, &chain) == 1;
  PKCS12_free(bag);
  made->key.reset(key);
  made->certificate.reset(certificate);
  made->chain.reset(chain != nullptr ? chain : sk_X509_new_null());
  if (!read) return Error{"pkcs12", "cannot be read: " + lastError()};
  if (key == nullptr || certificate == nullptr) {
    return Error{"pkcs12", "expected a certificate and its private key in it"};
  }
  return finish(std::move(made), "pkcs12");
}

bool readPemBundle(std::string_view pem, std::vector<X509Ptr>& certificates,
                   std::vector<SslOwned<X509_CRL>>& lists) {
  ERR_clear_error();
  const BioPtr bio = readerOf(pem);
  STACK_OF(X509_INFO)* all = PEM_X509_INFO_read_bio(bio.get(), nullptr, nullptr, nullptr);
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (all == nullptr) return false;
  for (int i = 0; i < sk_X509_INFO_num(all); ++i) {
    X509_INFO* info = sk_X509_INFO_value(all, i);
    if (info->x509 != nullptr) certificates.emplace_back(std::exchange(info->x509, nullptr));
    if (info->crl != nullptr) lists.emplace_back(std::exchange(info->crl, nullptr));
  }
  sk_X509_INFO_pop_free(all, X509_INFO_free);
  return error == 0 || ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

}  // namespace weir::transport
