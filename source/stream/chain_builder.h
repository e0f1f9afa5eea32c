// Reads http_filters into chains: one that routes share, and one for each route with configuration
// of its own for some filter.
#pragma once

#include "source/stream/hcm_builder.h"

namespace weir::stream {

// Fills plan.chains, plan.upgrades, plan.router and plan.access_logs; plan.routes may be null after
// errors.
void buildChains(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                 const BuildContext& context);

}  // namespace weir::stream
