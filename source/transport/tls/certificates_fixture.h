// What the tests of TLS share: authorities and certificates, made anew in each run.
#pragma once

#include <openssl/pem.h>

#include <ctime>
#include <string>

#include "source/transport/tls/ssl_pointers.h"

namespace weir::transport {

inline std::string pemOf(const X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), const_cast<X509*>(&certificate));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

inline std::string pemOf(const EVP_PKEY& key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

struct Pair {
  X509Ptr certificate;
  KeyPtr key;
  std::string pem() const { return pemOf(*certificate); }
  std::string keyPem() const { return pemOf(*key); }
};

struct Wish {
  std::string common_name = {};
  std::string names = {};  // as openssl.cnf has subjectAltName: "DNS:a,URI:b"
  bool authority = false;
  bool rsa = false;
  long from_days = -1;
  long until_days = 30;
};

inline void addExtension(X509& certificate, int id, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// `issuer` null: signed by itself.
inline Pair makePair(const Wish& wish, const Pair* issuer = nullptr) {
  static long serial = 100;
  Pair made{X509Ptr(X509_new()), KeyPtr(wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from_days * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until_days * 86400);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate,
                       issuer == nullptr ? name : X509_get_subject_name(issuer->certificate.get()));
  X509_set_pubkey(certificate, made.key.get());
  addExtension(*certificate, NID_basic_constraints,
               wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wish.names.empty()) addExtension(*certificate, NID_subject_alt_name, wish.names);
  X509_sign(certificate, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
  return made;
}

}  // namespace weir::transport
