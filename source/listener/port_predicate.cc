#include "source/listener/port_predicate.h"

#include <algorithm>

#include "envoy/config/listener/v3/listener_components.pb.h"

namespace weir::listener {

using Proto = envoy::config::listener::v3::ListenerFilterChainMatchPredicate;

PortPredicate PortPredicate::from(const Proto& proto, const Where& at) {
  PortPredicate predicate;
  const auto combine = [&](const auto& set, Kind kind, const char* field) {
    predicate.kind_ = kind;
    if (set.rules_size() < 2) at.field(field).field("rules").error("expected at least two");
    for (int i = 0; i < set.rules_size(); ++i) {
      predicate.parts_.push_back(
          from(set.rules(i), at.field(field).field("rules").index(static_cast<size_t>(i))));
    }
  };
  switch (proto.rule_case()) {
    case Proto::kOrMatch:
      combine(proto.or_match(), Kind::Or, "or_match");
      break;
    case Proto::kAndMatch:
      combine(proto.and_match(), Kind::And, "and_match");
      break;
    case Proto::kNotMatch:
      predicate.kind_ = Kind::Not;
      predicate.parts_.push_back(from(proto.not_match(), at.field("not_match")));
      break;
    case Proto::kAnyMatch:
      if (!proto.any_match()) at.field("any_match").error("expected true");
      predicate.kind_ = Kind::Always;
      break;
    case Proto::kDestinationPortRange:
      predicate.kind_ = Kind::Range;
      predicate.begin_ = proto.destination_port_range().start();
      predicate.end_ = proto.destination_port_range().end();
      break;
    default:
      at.error("expected a rule");
  }
  return predicate;
}

bool PortPredicate::matches(uint16_t port) const {
  const auto holds = [port](const PortPredicate& part) { return part.matches(port); };
  switch (kind_) {
    case Kind::Never:
      return false;
    case Kind::Always:
      return true;
    case Kind::Or:
      return std::any_of(parts_.begin(), parts_.end(), holds);
    case Kind::And:
      return std::all_of(parts_.begin(), parts_.end(), holds);
    case Kind::Not:
      return !parts_.front().matches(port);
    case Kind::Range:
      return port != 0 && port >= begin_ && port < end_;
  }
  return false;
}

}  // namespace weir::listener
