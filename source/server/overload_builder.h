// Builds what the bootstrap's overload_manager says: what the Watch measures and decides, and the
// ceiling on connections of all listeners. Main thread.
//
// Of the monitor envoy.resource_monitors.global_downstream_max_connections there is a limit and no
// pressure: a trigger cannot name it, as in Envoy. What cannot be done is refused, by name.
#pragma once

#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/listener/connection_limit.h"
#include "source/overload/plan.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

struct OverloadSettings {
  overload::Plan plan;
  // Without the monitor: what the runtime key overload.global_downstream_max_connections says, if
  // there are layers that can. Null: none.
  std::shared_ptr<listener::ConnectionLimit> connections;
};

OverloadSettings buildOverload(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                               const Where& at, const stream::BuildContext& context);

}  // namespace weir::server
