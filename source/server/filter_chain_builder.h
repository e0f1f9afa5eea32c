// Builds the filter chains of a listener: what they match, their network filters, and what serves
// their connections. Main thread.
#pragma once

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// Reports what is wrong. True when some chain asks what only the ClientHello tells.
bool buildFilterChains(const envoy::config::listener::v3::Listener& proto, const Where& at,
                       const stream::BuildContext& context, listener::ListenerPlan& plan);

}  // namespace weir::server
