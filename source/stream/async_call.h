// The asynchronous client behind Stream::call() and Stream::sleep(): a request of Weir's own, sent
// through a cluster like any other and answered whole. Cancelled by destroying the Pending.
#pragma once

#include <chrono>

#include "source/stream/services.h"
#include "weir/client.h"
#include "weir/pending.h"

namespace weir::stream {

Pending<CallResult> callThrough(Services& services, CallRequest request);
Pending<void> sleepOn(net::Loop& loop, std::chrono::microseconds wait);

}  // namespace weir::stream
