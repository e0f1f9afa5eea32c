// A PressureSource tells how far a resource is used: 0 not at all, 1 as far as it may be, or more.
// Called by the Watch on the main thread, once a refresh; each call reads small files of the kernel
// or of a test, and the error says which could not be read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "weir/result.h"

namespace weir::overload {

using PressureSource = std::function<Result<double>()>;

// envoy.resource_monitors.fixed_heap: the process's own memory, resident and anonymous, of
// `max_bytes`. That is what counts against a machine's or a container's memory, with stacks and
// what libraries take, and it falls as soon as memory was given back: the allocator's own counts
// would still hold what malloc_trim() returned.
PressureSource fixedHeap(uint64_t max_bytes, std::string statm = "/proc/self/statm");

// envoy.resource_monitors.cgroup_memory: the container's memory, all processes and caches, of its
// limit (version 2, else version 1) or of `max_bytes`, whichever is less. `max_bytes` 0: only its
// limit; neither: never any pressure.
PressureSource cgroupMemory(uint64_t max_bytes, std::string root = "/sys/fs/cgroup");

// envoy.resource_monitors.injected_resource: what the file says, a number from 0 to 1. Read each
// time, so that it may be written at any.
PressureSource injected(std::string file);

}  // namespace weir::overload
