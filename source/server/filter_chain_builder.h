// Builds the filter chains of a listener: what they match, their network filters, and what serves
// their connections. Main thread.
#pragma once

#include <map>
#include <string>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/stream/hcm_builder.h"
#include "weir/report.h"

namespace weir::server {

// Chains by the bytes of their configuration.
using KnownChains = std::map<std::string, listener::FilterChainPtr>;

// Reports what is wrong. True when some chain asks what only the ClientHello tells. Chains that are
// known are not built again.
bool buildFilterChains(const envoy::config::listener::v3::Listener& proto, const Where& at,
                       const stream::BuildContext& context, const KnownChains& known,
                       listener::ListenerPlan& plan);

}  // namespace weir::server
