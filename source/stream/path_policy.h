// A PathPolicy is what an HttpConnectionManager does to a request's path before anything looks at
// it: normalize_path, merge_slashes, path_with_escaped_slashes_action, and a fragment refused. The
// results are Envoy's, byte by byte, whose canonical form is RFC 3986 §6.2.2 as browsers read it:
// dot segments (also percent-encoded ones) removed, '\' read as '/', escaped unreserved characters
// decoded, characters that may not stand in a path escaped, %00 refused, all after '?' left alone.
//
// Built with the configuration, immutable, shared by all workers. A path that needs no change is
// not copied; a changed one is written to the stream's arena. Costs one memchr when all is off.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/arena.h"
#include "weir/head.h"
#include "weir/result.h"

namespace envoy::extensions::filters::network::http_connection_manager::v3 {
class HttpConnectionManager;
}

namespace weir::stream {

// What to do with the request after its path was looked at.
struct PathVerdict {
  enum class Kind : uint8_t { Ok, Reject, Redirect };  // Reject: 400; Redirect: 307

  Kind kind = Kind::Ok;
  std::string_view location;  // of a redirect; as long-lived as the stream
  std::string_view details;   // %RESPONSE_CODE_DETAILS% of both replies
};

struct PathPolicy {
  enum class EscapedSlashes : uint8_t { Keep, Reject, UnescapeAndRedirect, UnescapeAndForward };
  using Hcm =
      envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

  // Refuses path_normalization_options, which Envoy has declared but never built.
  static Result<PathPolicy> from(const Hcm& proto);

  // Changes head.path. A path that is not in origin-form ("*", or none for CONNECT) stays as it is.
  // Of a gRPC client, who does not follow redirects, a Redirect becomes a Reject.
  PathVerdict apply(RequestHead& head, Arena& arena) const;

  bool normalize = false;
  bool merge_slashes = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::Keep;
};

}  // namespace weir::stream
