// A NamedCluster says that somebody sends requests to a cluster by its name: a route table, a TCP
// proxy. Who names it keeps the pointer as long as it may do so, and a cluster that a control plane
// removes is not taken away before (live::RetainedClusters). Immutable; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir::cluster {

struct NamedCluster {
  std::string name;
  uint32_t slot;
};

using NamedClusterPtr = std::shared_ptr<const NamedCluster>;

// Each once, in the order of slots. Whoever puts other routes in the place of those that name them
// lets go of them here: connections keep plans that have this list long after their routes are of
// use. Main thread, but for its end.
struct NamedClusters {
  std::vector<NamedClusterPtr> all;
};

}  // namespace weir::cluster
