// A Redirect sends the client elsewhere: what its Location is made of. Built once from an
// envoy.config.route.v3.RedirectAction; read by every worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/router/rewrite.h"

namespace weir::router {

class Redirect {
 public:
  static Redirect from(const envoy::config::route::v3::RedirectAction& proto, const FieldPath& path,
                       Report& report);

  uint16_t status() const { return status_; }
  // The value of Location. `matched` as in PathRewrite::apply(). Lives as long as the arena.
  std::string_view location(const RequestHead& head, size_t matched, const StreamInfo& info,
                            Arena& arena) const;

 private:
  std::string_view targetPath(const RequestHead& head, size_t matched, const StreamInfo& info,
                              Arena& arena) const;

  uint16_t status_ = 301;
  bool strip_query_ = false;
  bool path_has_query_ = false;
  std::string scheme_;  // empty: the request's
  std::string host_;    // empty: the request's
  std::string port_;    // ":8443", or empty
  std::string path_;    // empty: the request's, rewritten
  PathRewrite rewrite_;
};

// The Location of a virtual host that requires TLS: the same URL with https.
std::string_view tlsLocation(const RequestHead& head, Arena& arena);

}  // namespace weir::router
