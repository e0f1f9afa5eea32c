#include "source/match/rbac_condition.h"

#include <algorithm>

#include "weir/head.h"

namespace weir {
namespace {

Error below(const std::string& field, Error error) {
  error.field = error.field.empty() ? field : field + "." + error.field;
  return error;
}

Error unsupported(const char* field, const char* why) { return {field, why}; }

constexpr const char* kNeedsRequest = "a connection has no request; use the HTTP filter";

template <typename T>
bool inside(const std::optional<T>& ip, const IpRanges& ranges) {
  return ip && ranges.contains(*ip);
}

}  // namespace

template <typename List>
Result<RbacCondition> RbacCondition::combine(Kind kind, const List& list, const char* field,
                                             Subject subject) {
  if (list.empty()) return Error{field, "expected at least one"};
  RbacCondition made;
  made.kind_ = kind;
  for (int i = 0; i < list.size(); ++i) {
    auto part = from(list[i], subject);
    if (!part)
      return below(std::string(field) + "[" + std::to_string(i) + "]", std::move(part.error()));
    made.parts_.push_back(*std::move(part));
  }
  return made;
}

template <typename Proto>
Result<RbacCondition> RbacCondition::negate(const Proto& proto, const char* field,
                                            Subject subject) {
  auto part = from(proto, subject);
  if (!part) return below(field, std::move(part.error()));
  RbacCondition made;
  made.kind_ = Kind::Not;
  made.parts_.push_back(*std::move(part));
  return made;
}

Result<RbacCondition> RbacCondition::inRange(Kind kind,
                                             const envoy::config::core::v3::CidrRange& range,
                                             const char* field) {
  google::protobuf::RepeatedPtrField<envoy::config::core::v3::CidrRange> one;
  *one.Add() = range;
  auto ranges = IpRanges::from(one, field);
  if (!ranges) {
    // There is one, so it has no number.
    std::string& path = ranges.error().field;
    if (const size_t number = path.find("[0]"); number != std::string::npos) path.erase(number, 3);
    return std::move(ranges.error());
  }
  RbacCondition made;
  made.kind_ = kind;
  made.ranges_ = *std::move(ranges);
  return made;
}

Result<RbacCondition> RbacCondition::ofMetadata(
    const envoy::type::matcher::v3::MetadataMatcher& proto, std::string field) {
  using Value = envoy::type::matcher::v3::ValueMatcher;
  RbacCondition made;
  made.kind_ = Kind::Metadata;
  made.invert_ = proto.invert();
  made.space_ = proto.filter();
  if (proto.path().empty()) return Error{field + ".path", "expected at least one key"};
  for (const auto& segment : proto.path()) made.keys_.push_back(segment.key());
  switch (proto.value().match_pattern_case()) {
    case Value::kStringMatch: {
      auto text = StringMatcher::from(proto.value().string_match());
      if (!text) return below(field + ".value.string_match", std::move(text.error()));
      made.text_ = *std::move(text);
      return made;
    }
    case Value::kPresentMatch:
      if (!proto.value().present_match())
        return Error{field + ".value.present_match", "expected true; use invert"};
      return made;
    default:
      return Error{field + ".value", "only string_match and present_match are supported"};
  }
}

Result<RbacCondition> RbacCondition::ofSourced(
    const envoy::config::rbac::v3::SourcedMetadata& proto) {
  if (proto.metadata_source() != envoy::config::rbac::v3::DYNAMIC) {
    return Error{"sourced_metadata.metadata_source", "only DYNAMIC is supported"};
  }
  return ofMetadata(proto.metadata_matcher(), "sourced_metadata.metadata_matcher");
}

Result<RbacCondition> RbacCondition::ofHeader(const envoy::config::route::v3::HeaderMatcher& proto,
                                              Subject subject) {
  if (subject == Subject::Connection) return unsupported("header", kNeedsRequest);
  auto header = HeaderMatcher::from(proto);
  if (!header) return below("header", std::move(header.error()));
  RbacCondition made;
  made.kind_ = Kind::Header;
  made.header_ = std::make_shared<const HeaderMatcher>(*std::move(header));
  return made;
}

Result<RbacCondition> RbacCondition::ofPath(const envoy::type::matcher::v3::PathMatcher& proto,
                                            Subject subject) {
  if (subject == Subject::Connection) return unsupported("url_path", kNeedsRequest);
  auto text = StringMatcher::from(proto.path());
  if (!text) return below("url_path.path", std::move(text.error()));
  RbacCondition made;
  made.kind_ = Kind::Path;
  made.text_ = *std::move(text);
  return made;
}

Result<RbacCondition> RbacCondition::from(const Permission& proto, Subject subject) {
  RbacCondition made;
  switch (proto.rule_case()) {
    case Permission::kAndRules:
      return combine(Kind::And, proto.and_rules().rules(), "and_rules.rules", subject);
    case Permission::kOrRules:
      return combine(Kind::Or, proto.or_rules().rules(), "or_rules.rules", subject);
    case Permission::kNotRule:
      return negate(proto.not_rule(), "not_rule", subject);
    case Permission::kAny:
      if (!proto.any()) return Error{"any", "expected true"};
      return made;
    case Permission::kHeader:
      return ofHeader(proto.header(), subject);
    case Permission::kUrlPath:
      return ofPath(proto.url_path(), subject);
    case Permission::kDestinationIp:
      return inRange(Kind::LocalIp, proto.destination_ip(), "destination_ip");
    case Permission::kDestinationPort:
      if (proto.destination_port() > 65535)
        return Error{"destination_port", "a port is at most 65535"};
      made.kind_ = Kind::LocalPort;
      made.begin_ = static_cast<int32_t>(proto.destination_port());
      made.end_ = made.begin_ + 1;
      return made;
    case Permission::kDestinationPortRange:
      made.kind_ = Kind::LocalPort;
      made.begin_ = proto.destination_port_range().start();
      made.end_ = proto.destination_port_range().end();
      if (made.begin_ < 0 || made.end_ > 65536 || made.begin_ >= made.end_)
        return Error{"destination_port_range", "expected start < end, within 0 to 65536"};
      return made;
    case Permission::kMetadata:
      return ofMetadata(proto.metadata(), "metadata");
    case Permission::kSourcedMetadata:
      return ofSourced(proto.sourced_metadata());
    case Permission::kRequestedServerName: {
      auto text = StringMatcher::from(proto.requested_server_name());
      if (!text) return below("requested_server_name", std::move(text.error()));
      made.kind_ = Kind::ServerName;
      made.text_ = *std::move(text);
      return made;
    }
    case Permission::kMatcher:
      return unsupported("matcher", "matcher extensions are not supported");
    case Permission::kUriTemplate:
      return unsupported("uri_template", "URI templates are not supported");
    default:
      return Error{"", "expected a rule"};
  }
}

Result<RbacCondition> RbacCondition::from(const Principal& proto, Subject subject) {
  RbacCondition made;
  switch (proto.identifier_case()) {
    case Principal::kAndIds:
      return combine(Kind::And, proto.and_ids().ids(), "and_ids.ids", subject);
    case Principal::kOrIds:
      return combine(Kind::Or, proto.or_ids().ids(), "or_ids.ids", subject);
    case Principal::kNotId:
      return negate(proto.not_id(), "not_id", subject);
    case Principal::kAny:
      if (!proto.any()) return Error{"any", "expected true"};
      return made;
    case Principal::kAuthenticated: {
      made.kind_ = Kind::Authenticated;
      if (!proto.authenticated().has_principal_name()) return made;
      auto text = StringMatcher::from(proto.authenticated().principal_name());
      if (!text) return below("authenticated.principal_name", std::move(text.error()));
      made.text_ = *std::move(text);
      return made;
    }
    case Principal::kSourceIp:  // as the socket tells it, as in Envoy
      return inRange(Kind::DirectRemoteIp, proto.source_ip(), "source_ip");
    case Principal::kDirectRemoteIp:
      return inRange(Kind::DirectRemoteIp, proto.direct_remote_ip(), "direct_remote_ip");
    case Principal::kRemoteIp:
      return inRange(Kind::RemoteIp, proto.remote_ip(), "remote_ip");
    case Principal::kHeader:
      return ofHeader(proto.header(), subject);
    case Principal::kUrlPath:
      return ofPath(proto.url_path(), subject);
    case Principal::kMetadata:
      return ofMetadata(proto.metadata(), "metadata");
    case Principal::kSourcedMetadata:
      return ofSourced(proto.sourced_metadata());
    case Principal::kFilterState:
      return unsupported("filter_state", "there is no filter state");
    case Principal::kCustom:
      return unsupported("custom", "principal extensions are not supported");
    default:
      return Error{"", "expected an identifier"};
  }
}

bool RbacCondition::matches(const ConnectionView& connection, const RequestHead* request) const {
  const auto holds = [&](const RbacCondition& part) { return part.matches(connection, request); };
  switch (kind_) {
    case Kind::Any:
      return true;
    case Kind::And:
      return std::all_of(parts_.begin(), parts_.end(), holds);
    case Kind::Or:
      return std::any_of(parts_.begin(), parts_.end(), holds);
    case Kind::Not:
      return !holds(parts_.front());
    case Kind::LocalIp:
      return inside(connection.local, ranges_);
    case Kind::RemoteIp:
      return inside(connection.remote, ranges_);
    case Kind::DirectRemoteIp:
      return inside(connection.direct_remote, ranges_);
    case Kind::LocalPort:
      return connection.local_port >= begin_ && connection.local_port < end_;
    case Kind::ServerName:
      return text_->matches(connection.server_name);
    case Kind::Authenticated:
      return isAuthenticated(connection.peer);
    case Kind::Metadata:
      return hasMetadata(connection.metadata) != invert_;
    case Kind::Header:
      return request != nullptr && header_->matches(*request);
    case Kind::Path:
      return request != nullptr &&
             text_->matches(request->path.substr(0, request->path.find_first_of("?#")));
  }
  return false;
}

// Any of its URI names, any of its DNS names, or its subject.
bool RbacCondition::isAuthenticated(const PeerNames& peer) const {
  if (!peer.secured) return false;
  if (!text_) return true;
  const auto fits = [this](const std::string& name) { return text_->matches(name); };
  return peer.presented &&
         (std::any_of(peer.uri.begin(), peer.uri.end(), fits) ||
          std::any_of(peer.dns.begin(), peer.dns.end(), fits) || text_->matches(peer.subject));
}

bool RbacCondition::hasMetadata(const Metadata* metadata) const {
  std::string value;
  if (metadata == nullptr) return false;
  const Metadata::Found found = metadata->append(value, space_, keys_);
  if (found == Metadata::Found::Nothing) return false;
  return !text_ || (found == Metadata::Found::Text && text_->matches(value));
}

}  // namespace weir
