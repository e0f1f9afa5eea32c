// ConfiguredMetadata is an envoy.config.core.v3.Metadata as the access log reads it. A copy, made
// once when the configuration is loaded; immutable, any thread.
#pragma once

#include <memory>

#include "envoy/config/core/v3/base.pb.h"
#include "weir/metadata.h"

namespace weir::telemetry {

class ConfiguredMetadata final : public Metadata {
 public:
  explicit ConfiguredMetadata(const envoy::config::core::v3::Metadata& proto) : proto_(proto) {}

  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override;

 private:
  const envoy::config::core::v3::Metadata proto_;
};

}  // namespace weir::telemetry
