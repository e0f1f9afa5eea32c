// Builds ListenerPlans from envoy.config.listener.v3.Listener. Main thread.
#pragma once

#include <memory>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/server/filter_chain_builder.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// Null when errors were reported. `global`: of the connections of all listeners; null: no limit.
// `known`: chains that another version of the listener has, and that are taken over as they are.
std::shared_ptr<const listener::ListenerPlan> buildListener(
    const envoy::config::listener::v3::Listener& proto, const Where& at,
    const stream::BuildContext& context, std::shared_ptr<listener::ConnectionLimit> global,
    const KnownChains& known = {});

}  // namespace weir::server
