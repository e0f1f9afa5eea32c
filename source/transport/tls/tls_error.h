// What went wrong in TLS, in words that live as long as the process: Failure::detail is a view.
#pragma once

#include <string>
#include <string_view>

namespace weir::transport {

// A text of static storage with this content. There are as many as OpenSSL has reasons; from some
// number on all are one.
std::string_view lastingText(std::string text);

// Of the thread's queue of errors: "TLS_error: wrong version number". `error` is SSL_get_error's.
std::string_view describeTlsError(int error);

// Why a certificate was refused: "TLS_error: certificate verify failed: " and an X509_V_ERR_….
std::string_view describeVerifyError(int error);

}  // namespace weir::transport
