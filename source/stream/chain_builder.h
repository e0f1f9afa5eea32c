// Reads http_filters, and makes chains of them: one that routes share, and one for each route with
// configuration of its own for some filter. Routes may be others later; the filters stay.
#pragma once

#include "source/stream/hcm_builder.h"

namespace weir::stream {

// Fills plan.filters, plan.upgrades, plan.router, plan.access_logs.
void readFilters(const HttpConnectionManager& proto, HcmPlan& plan, const Where& at,
                 const BuildContext& context);

// Fills plan.chains, and those of upgrades, for plan.routes. `at` is the
// RouteConfiguration's place.
void buildChains(HcmPlan& plan, const Where& at, const BuildContext& context);

}  // namespace weir::stream
