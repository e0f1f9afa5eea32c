#include "source/transport/tls/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <mutex>
#include <unordered_set>
#include <utility>

namespace weir::transport {
namespace {

constexpr size_t kMostTexts = 1000;

}  // namespace

std::string_view lastingText(std::string text) {
  static std::mutex mutex;
  static std::unordered_set<std::string> texts;
  const std::lock_guard lock(mutex);
  if (texts.size() >= kMostTexts && !texts.contains(text)) return "TLS_error";
  return *texts.insert(std::move(text)).first;  // a set's elements do not move
}

std::string_view describeTlsError(int error) {
  unsigned long code = ERR_peek_error();
  if (error != SSL_ERROR_SSL || code == 0) return "TLS_error: the connection broke off";
  const char* reason = ERR_reason_error_string(code);
  return lastingText(std::string("TLS_error: ") +
                     (reason != nullptr ? reason : std::to_string(ERR_GET_REASON(code))));
}

std::string_view describeVerifyError(int error) {
  return lastingText(std::string("TLS_error: certificate verify failed: ") +
                     X509_verify_cert_error_string(error));
}

}  // namespace weir::transport
