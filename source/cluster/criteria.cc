#include "source/cluster/criteria.h"

#include <google/protobuf/util/message_differencer.h>

#include <utility>

namespace weir::cluster {
namespace {

using envoy::config::core::v3::Metadata;

const google::protobuf::Struct* balancingOf(const Metadata& proto) {
  const auto found = proto.filter_metadata().find(kBalancingMetadata);
  return found == proto.filter_metadata().end() ? nullptr : &found->second;
}

std::map<std::string, EndpointMetadata::Value, std::less<>> valuesOf(const Metadata& proto) {
  std::map<std::string, EndpointMetadata::Value, std::less<>> values;
  const google::protobuf::Struct* const balancing = balancingOf(proto);
  if (balancing == nullptr) return values;
  for (const auto& [key, value] : balancing->fields()) {
    auto& made = values[key];
    made.json = telemetry::jsonOf(value);
    for (const auto& item : value.list_value().values()) {
      made.items.push_back(telemetry::jsonOf(item));
    }
  }
  return values;
}

}  // namespace

Criteria criteriaOf(const google::protobuf::Struct& proto) {
  Criteria criteria;
  for (const auto& [key, value] : proto.fields()) criteria.emplace(key, telemetry::jsonOf(value));
  return criteria;
}

CriteriaPtr criteriaOf(const Metadata& proto, const CriteriaPtr& below) {
  const google::protobuf::Struct* const balancing = balancingOf(proto);
  if (balancing == nullptr || balancing->fields().empty()) return below;
  auto criteria = std::make_shared<Criteria>(criteriaOf(*balancing));
  if (below != nullptr) criteria->insert(below->begin(), below->end());
  return criteria;
}

EndpointMetadata::EndpointMetadata(const Metadata& proto)
    : all(proto), balancing(valuesOf(proto)) {}

EndpointMetadataPtr EndpointMetadata::from(const Metadata& proto) {
  if (proto.filter_metadata().empty()) return nullptr;
  return std::make_shared<EndpointMetadata>(proto);
}

bool EndpointMetadata::operator==(const EndpointMetadata& other) const {
  return google::protobuf::util::MessageDifferencer::Equals(all.proto(), other.all.proto());
}

}  // namespace weir::cluster
