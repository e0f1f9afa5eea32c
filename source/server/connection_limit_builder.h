// Builds the ceiling on connections of all listeners. Main thread.
#pragma once

#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/listener/connection_limit.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// From the overload manager's monitor envoy.resource_monitors.global_downstream_max_connections,
// else from the runtime key overload.global_downstream_max_connections; null: none. What else the
// overload manager is told to do is refused.
std::shared_ptr<listener::ConnectionLimit> buildConnectionLimit(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, const Where& at,
    const stream::BuildContext& context);

}  // namespace weir::server
