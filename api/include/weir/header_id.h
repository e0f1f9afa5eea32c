// A HeaderId is a common field name as one byte, found by a perfect hash, so that looking for
// `content-length` compares a number. Every other name is HeaderId::Other.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

// Names that Weir itself looks at, and the most common others. Order is free; values are not
// stable.
enum class HeaderId : uint8_t {
  Other,  // any name not in this list
  Accept,
  AcceptEncoding,
  AcceptLanguage,
  AccessControlRequestHeaders,
  AccessControlRequestMethod,
  AcceptRanges,
  Age,
  Authorization,
  CacheControl,
  Connection,
  ContentEncoding,
  ContentLength,
  ContentType,
  Cookie,
  Date,
  Etag,
  Expect,
  Expires,
  Forwarded,
  GrpcStatus,
  GrpcTimeout,
  Host,
  IfModifiedSince,
  IfNoneMatch,
  KeepAlive,
  LastModified,
  Location,
  Origin,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyConnection,
  Range,
  Referer,
  RetryAfter,
  Server,
  SetCookie,
  Te,
  Trailer,
  TransferEncoding,
  Upgrade,
  UserAgent,
  Vary,
  Via,
  XEnvoyExpectedRqTimeoutMs,
  XEnvoyInternal,
  XEnvoyOriginalPath,
  XEnvoyUpstreamServiceTime,
  XForwardedFor,
  XForwardedHost,
  XForwardedPort,
  XForwardedProto,
  XRequestId,
  kCount,
};
static_assert(static_cast<int>(HeaderId::kCount) <= 64, "Fields keeps one bit an id");

// The id of a lower-case name; Other when it has none. ~5 ns.
HeaderId headerIdOf(std::string_view lower_name);
// The name of an id; empty for Other.
std::string_view headerName(HeaderId id);

}  // namespace weir
