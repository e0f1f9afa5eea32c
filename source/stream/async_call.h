// The asynchronous client behind Async::call(): a request of Weir's own, sent through a cluster, or
// where the routes of its stream say, like any other, and answered whole. Cancelled by destroying
// the Pending. No filter sees it: so no filter calls itself.
#pragma once

#include "source/stream/services.h"
#include "weir/client.h"
#include "weir/pending.h"

namespace weir::stream {

struct HcmPlan;

// For whom a call is made. Both outlive the call; both null: for no stream, which has no routes.
struct Caller {
  const HcmPlan* plan = nullptr;
  const StreamInfo* info = nullptr;
};

Pending<CallResult> callThrough(Services& services, CallRequest request, const Caller& caller = {});

}  // namespace weir::stream
