// A LevelConfig is what a table, a virtual host, a route or a weighted cluster carries for others:
// the configuration of filters by the filter's name, and metadata. Both are copies, made only when
// there is something to copy.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/map.h>

#include "envoy/config/core/v3/base.pb.h"
#include "source/telemetry/configured_metadata.h"

namespace weir::router {

using PerFilterConfig = google::protobuf::Map<std::string, google::protobuf::Any>;

class LevelConfig {
 public:
  LevelConfig() = default;
  LevelConfig(const PerFilterConfig& filters, const envoy::config::core::v3::Metadata* metadata) {
    if (!filters.empty()) filters_ = std::make_shared<const PerFilterConfig>(filters);
    if (metadata != nullptr) {
      metadata_ = std::make_shared<const telemetry::ConfiguredMetadata>(*metadata);
    }
  }

  // typed_per_filter_config.
  const PerFilterConfig& filters() const {
    static const PerFilterConfig none;
    return filters_ != nullptr ? *filters_ : none;
  }
  // The configuration of the filter configured under that name; null when there is none.
  const google::protobuf::Any* filter(const std::string& name) const {
    if (filters_ == nullptr) return nullptr;
    const auto found = filters_->find(name);
    return found == filters_->end() ? nullptr : &found->second;
  }
  // Null when there is none.
  const Metadata* metadata() const { return metadata_.get(); }

 private:
  std::shared_ptr<const PerFilterConfig> filters_;
  std::shared_ptr<const telemetry::ConfiguredMetadata> metadata_;
};

}  // namespace weir::router
