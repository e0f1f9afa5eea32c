#include "source/server/housekeeping.h"

#include <malloc.h>

#include <algorithm>

namespace weir::server {

void Housekeeping::start(std::chrono::milliseconds flush_interval) {
  flush_interval_ = flush_interval;
  flushed_ = loop_.now();
  timer_.arm(loop_.timers(), loop_.now() + kLook);
}

void Housekeeping::onTimer() {
  if (loop_.now() - flushed_ >= flush_interval_) {
    stats_.flushInterval();
    flushed_ = loop_.now();
  }
  trim();
  timer_.arm(loop_.timers(),
             loop_.now() + std::min<net::SteadyTime::duration>(kLook, flush_interval_));
}

// The allocator keeps what small blocks free between others; a burst of connections would be paid
// for until the end of the process.
void Housekeeping::trim() {
  const uint64_t now = connections_();
  peak_ = std::max(peak_, now);
  if (peak_ < kWorthTrimming || now > peak_ / 2) return;
  malloc_trim(0);
  peak_ = now;
}

}  // namespace weir::server
