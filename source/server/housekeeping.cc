#include "source/server/housekeeping.h"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace weir::server {

// malloc_trim gives back the holes of a worker's heap, but never its end: that free() alone does.
// It must not be kept from it: by small blocks set aside, which look used to their neighbours, nor
// by glibc raising both thresholds to the size of a configuration it has seen freed.
void Housekeeping::boundHeaps() {
  mallopt(M_MXFAST, 0);
  mallopt(M_TRIM_THRESHOLD, 128 * 1024);
  mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
}

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

bool Housekeeping::Tide::isOver() {
  const uint64_t now = total();
  const uint64_t lately = now - std::exchange(seen, now);
  const uint64_t untrimmed = now - when_trimmed;
  return untrimmed >= worth && lately <= untrimmed / 8;
}

// The allocator keeps what small blocks free between others; a burst of connections, or a thousand
// clusters that have gone, would be paid for until the end of the process.
void Housekeeping::trim() {
  const bool gone = gone_.isOver(), messages = messages_.isOver();
  if (!gone && !messages) return;
  malloc_trim(0);
  gone_.trimmed();
  messages_.trimmed();
}

}  // namespace weir::server
