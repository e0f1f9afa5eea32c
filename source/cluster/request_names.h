// RequestNames says that a cluster's connections are named by the requests they carry (envoy
// UpstreamHttpProtocolOptions): the request's host is the server name asked for, the name that the
// certificate must be for, or both. Requests of different names share no connection.
#pragma once

#include <optional>
#include <string_view>

#include "weir/arena.h"
#include "weir/fields.h"
#include "weir/head.h"

namespace weir::cluster {

struct RequestNames {
  bool asked = false;     // auto_sni
  bool verified = false;  // auto_san_validation
  // override_auto_sni_header: goes before the host where it is sent.
  std::optional<HeaderName> field;

  // In lower case, without a port, in the arena; empty: the request names nothing that a
  // certificate could be for.
  std::string_view of(const RequestHead& head, Arena& arena) const;
};

}  // namespace weir::cluster
