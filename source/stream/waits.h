// What coroutines wait for besides calls: time, signals, replies of endpoints that speak no HTTP.
// Behind Async (weir/async.h), for streams and for the background work of Plans. Each begins when
// it is made, and is cancelled by destroying the Pending. Worker thread only.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "source/stream/services.h"
#include "weir/client.h"
#include "weir/pending.h"
#include "weir/signal.h"

namespace weir::stream {

Pending<void> sleepOn(net::Loop& loop, std::chrono::microseconds wait);
// `limit` 0: none.
Pending<bool> untilRaised(net::Loop& loop, Signal& signal, std::chrono::milliseconds limit);
Pending<ByteReply> exchangeBytes(Services& services, ByteRequest request);
// Until a cluster has the name, or it is of no use to wait any longer. Nothing: it is of none now.
std::optional<Pending<void>> untilCluster(Services& services, std::string_view name);

}  // namespace weir::stream
