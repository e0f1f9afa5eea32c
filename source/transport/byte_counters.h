// Byte counters that many connections share.
#pragma once

#include "weir/stats.h"

namespace weir::transport {

struct ByteCounters {
  Counter received;
  Counter sent;
};

}  // namespace weir::transport
