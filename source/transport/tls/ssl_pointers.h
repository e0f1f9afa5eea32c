// Owning pointers to OpenSSL's objects.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace weir::transport {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
  void operator()(STACK_OF(X509_NAME) * names) const {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
  }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(unsigned char* text) const { OPENSSL_free(text); }
};

template <typename T>
using SslOwned = std::unique_ptr<T, SslFree>;
using SslPtr = SslOwned<SSL>;
using SslContextPtr = SslOwned<SSL_CTX>;
using SslSessionPtr = SslOwned<SSL_SESSION>;
using BioPtr = SslOwned<BIO>;
using X509Ptr = SslOwned<X509>;
using KeyPtr = SslOwned<EVP_PKEY>;
using ChainPtr = SslOwned<STACK_OF(X509)>;

}  // namespace weir::transport
