// The browser guard refuses what a web page of somebody else could make a browser ask the admin
// interface: a page may send simple requests to any address its visitor reaches (cross-site request
// forgery), and a name of its own may resolve to 127.0.0.1 (DNS rebinding), with which it may read
// the answers, too. Programs that are not browsers send no Origin and are not touched. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "source/admin/request.h"

namespace weir::admin {

// What the guard looks at. `origin` is absent, or the value of the Origin field ("null", too).
struct Provenance {
  std::string_view method;
  std::string_view host;  // "localhost:9901"
  std::optional<std::string_view> origin;
  bool to_loopback = false;  // the interface listens on 127.0.0.0/8 or ::1
};

// The 403, or nothing.
std::optional<Response> refuseForeignPage(const Provenance& request);

}  // namespace weir::admin
