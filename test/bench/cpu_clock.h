// The CPU time a process has used, all threads together, in nanoseconds: the scheduler's own
// count (/proc/PID/task/*/schedstat), where utime and stime only move in ticks of 4 ms. A thread
// that has ended is no longer counted, so use differences over a window in which none ends.
#pragma once

#include <sys/types.h>
#include <cstdint>

namespace weir::bench {

// 0 when the process does not exist.
std::uint64_t cpuNanoseconds(pid_t pid);

}  // namespace weir::bench
