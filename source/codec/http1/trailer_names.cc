#include "source/codec/http1/trailer_names.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "source/codec/http1/header_id_set.h"

namespace weir::codec {
namespace {

constexpr HeaderIdSet kRefused = {HeaderId::ContentLength, HeaderId::TransferEncoding,
                                  HeaderId::Host};

constexpr HeaderIdSet kDropped = {HeaderId::Connection,
                                  HeaderId::KeepAlive,
                                  HeaderId::ProxyConnection,
                                  HeaderId::Te,
                                  HeaderId::Trailer,
                                  HeaderId::Upgrade,
                                  HeaderId::Expect,
                                  HeaderId::CacheControl,
                                  HeaderId::Range,
                                  HeaderId::IfModifiedSince,
                                  HeaderId::IfNoneMatch,
                                  HeaderId::Authorization,
                                  HeaderId::ProxyAuthenticate,
                                  HeaderId::ProxyAuthorization,
                                  HeaderId::Cookie,
                                  HeaderId::SetCookie,
                                  HeaderId::Age,
                                  HeaderId::Date,
                                  HeaderId::Expires,
                                  HeaderId::Location,
                                  HeaderId::RetryAfter,
                                  HeaderId::Vary,
                                  HeaderId::ContentEncoding,
                                  HeaderId::ContentType,
                                  HeaderId::Forwarded,
                                  HeaderId::XForwardedFor,
                                  HeaderId::XForwardedHost,
                                  HeaderId::XForwardedPort,
                                  HeaderId::XForwardedProto};

constexpr std::array<std::string_view, 8> kDroppedNames = {
    "content-range", "if-match", "if-range",         "if-unmodified-since",
    "max-forwards",  "pragma",   "www-authenticate", "warning"};

}  // namespace

TrailerRule trailerRuleOf(const Field& field) {
  if (kRefused.has(field.id)) return TrailerRule::Refuse;
  if (kDropped.has(field.id)) return TrailerRule::Drop;
  if (field.id != HeaderId::Other) return TrailerRule::Keep;
  return std::find(kDroppedNames.begin(), kDroppedNames.end(), field.name()) != kDroppedNames.end()
             ? TrailerRule::Drop
             : TrailerRule::Keep;
}

}  // namespace weir::codec
