// What endpoints and routes say to each other below "envoy.lb" of their metadata: an endpoint what
// it is, a route which endpoints it wants. Made on the main thread, immutable, any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envoy/config/core/v3/base.pb.h"
#include "source/telemetry/configured_metadata.h"

namespace weir::cluster {

inline constexpr const char* kBalancingMetadata = "envoy.lb";

// Values by key, as JSON, which is equal for equal values.
using Criteria = std::map<std::string, std::string, std::less<>>;
using CriteriaPtr = std::shared_ptr<const Criteria>;

Criteria criteriaOf(const google::protobuf::Struct& proto);
// Null: `proto` wants nothing. `below` (null: none) wants what `proto` does not name.
CriteriaPtr criteriaOf(const envoy::config::core::v3::Metadata& proto, const CriteriaPtr& below);

// What is known of an endpoint beside its address.
struct EndpointMetadata {
  struct Value {
    std::string json;
    std::vector<std::string> items;  // of a list
  };

  explicit EndpointMetadata(const envoy::config::core::v3::Metadata& proto);
  // Null: `proto` says nothing.
  static std::shared_ptr<const EndpointMetadata> from(
      const envoy::config::core::v3::Metadata& proto);
  bool operator==(const EndpointMetadata& other) const;

  const telemetry::ConfiguredMetadata all;
  const std::map<std::string, Value, std::less<>> balancing;
};

using EndpointMetadataPtr = std::shared_ptr<const EndpointMetadata>;

}  // namespace weir::cluster
