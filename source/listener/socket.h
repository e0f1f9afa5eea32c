// Listening sockets: opened on the main thread before any worker starts, so that a taken port is
// known at once; one for each worker with SO_REUSEPORT, else one that all workers share.
#pragma once

#include <string>
#include <vector>

#include "source/listener/listener_plan.h"
#include "source/net/fd.h"
#include "weir/result.h"

namespace weir::listener {

// `count` descriptors to accept from; the error names address and reason. A port of 0 is chosen by
// the kernel, the same for all.
Result<std::vector<net::Fd>> openSockets(const ListenerPlan& plan, const ListenAddress& at,
                                         size_t count);

// Whether openSockets() would succeed now, with the same error. Nobody is accepted meanwhile. Of a
// unix socket it is not known before.
Result<Done> probe(const ListenAddress& at);

}  // namespace weir::listener
