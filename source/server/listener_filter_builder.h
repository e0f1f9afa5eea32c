// Builds the listener filters of a listener. Main thread.
#pragma once

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// Reports what is wrong. `needs_hello`: a chain matches what only tls_inspector finds; it is added
// where it is missing, with a warning, as in Envoy.
void buildListenerFilters(const envoy::config::listener::v3::Listener& proto, const Where& at,
                          const stream::BuildContext& context, bool needs_hello,
                          listener::ListenerPlan& plan);

}  // namespace weir::server
