// An RbacCondition is one compiled Permission or Principal of an envoy.config.rbac.v3.Policy.
// Immutable once made. Only for rbac*.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/rbac/v3/rbac.pb.h"
#include "weir/header_matcher.h"
#include "weir/ip_range.h"
#include "weir/rbac.h"
#include "weir/string_matcher.h"

namespace weir {

class RbacCondition {
 public:
  using Permission = envoy::config::rbac::v3::Permission;
  using Principal = envoy::config::rbac::v3::Principal;
  using Subject = AccessRules::Subject;

  static Result<RbacCondition> from(const Permission& proto, Subject subject);
  static Result<RbacCondition> from(const Principal& proto, Subject subject);

  bool matches(const ConnectionView& connection, const RequestHead* request) const;

 private:
  enum class Kind : uint8_t {
    Any,
    And,
    Or,
    Not,
    LocalIp,
    RemoteIp,
    DirectRemoteIp,
    LocalPort,
    ServerName,
    Authenticated,
    Metadata,
    Header,
    Path,
  };

  template <typename List>
  static Result<RbacCondition> combine(Kind kind, const List& list, const char* field,
                                       Subject subject);
  template <typename Proto>
  static Result<RbacCondition> negate(const Proto& proto, const char* field, Subject subject);
  static Result<RbacCondition> inRange(Kind kind, const envoy::config::core::v3::CidrRange& range,
                                       const char* field);
  static Result<RbacCondition> ofMetadata(const envoy::type::matcher::v3::MetadataMatcher& proto,
                                          std::string field);
  static Result<RbacCondition> ofSourced(const envoy::config::rbac::v3::SourcedMetadata& proto);
  static Result<RbacCondition> ofHeader(const envoy::config::route::v3::HeaderMatcher& proto,
                                        Subject subject);
  static Result<RbacCondition> ofPath(const envoy::type::matcher::v3::PathMatcher& proto,
                                      Subject subject);

  bool isAuthenticated(const PeerNames& peer) const;
  bool hasMetadata(const Metadata* metadata) const;

  Kind kind_ = Kind::Any;
  bool invert_ = false;          // of Metadata
  int32_t begin_ = 0, end_ = 0;  // of LocalPort; the end is outside
  std::vector<RbacCondition> parts_;
  IpRanges ranges_;
  std::optional<StringMatcher> text_;  // none: present is enough
  std::string space_;                  // of Metadata
  std::vector<std::string> keys_;
  std::shared_ptr<const HeaderMatcher> header_;
};

}  // namespace weir
