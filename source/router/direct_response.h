// A DirectResponse answers without a cluster. Its body is read when the configuration is loaded.
#pragma once

#include <cstdint>
#include <string>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/router/field_path.h"

namespace weir::router {

struct DirectResponse {
  // `body_limit` is in bytes.
  static DirectResponse from(const envoy::config::route::v3::DirectResponseAction& proto,
                             uint64_t body_limit, const FieldPath& path, Report& report);

  uint16_t status = 200;
  std::string body;
};

}  // namespace weir::router
