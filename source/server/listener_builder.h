// Builds ListenerPlans from envoy.config.listener.v3.Listener. Main thread.
#pragma once

#include <memory>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// Null when errors were reported.
std::shared_ptr<const listener::ListenerPlan> buildListener(
    const envoy::config::listener::v3::Listener& proto, const Where& at,
    const stream::BuildContext& context);

// An address of a listener or the admin server: IP and port, or a unix socket. No names.
Result<net::Address> readAddress(const envoy::config::core::v3::Address& proto);

}  // namespace weir::server
