// What this build is.
#pragma once

#include <string>

namespace weir::server {

inline constexpr const char* kVersion = "0.1.0";

// In the form Envoy's tools parse: "weir  version: <commit>/<version>/<state>/<build>/<tls>".
inline std::string versionLine() {
#ifdef NDEBUG
  const char* build = "RELEASE";
#else
  const char* build = "DEBUG";
#endif
  return std::string("weir  version: 0/") + kVersion + "/Clean/" + build + "/OpenSSL";
}

}  // namespace weir::server
