// ConfiguredMetadata is an envoy.config.core.v3.Metadata as the access log reads it. A copy, made
// once when the configuration is loaded; immutable, any thread.
#pragma once

#include <memory>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "weir/metadata.h"

namespace weir::telemetry {

// In one line; equal for equal values.
std::string jsonOf(const google::protobuf::Value& value);

class ConfiguredMetadata final : public Metadata {
 public:
  explicit ConfiguredMetadata(const envoy::config::core::v3::Metadata& proto) : proto_(proto) {}

  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override;
  const envoy::config::core::v3::Metadata& proto() const { return proto_; }

 private:
  const envoy::config::core::v3::Metadata proto_;
};

}  // namespace weir::telemetry
