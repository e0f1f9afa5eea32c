// Whether two versions of a cluster make the same connections to the same endpoint.
#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"

namespace weir::cluster {

// True where they differ only in what a connection does not depend on once it is made: how
// endpoints are found and chosen, connect_timeout, circuit breakers, health, metadata. Any other
// field, also one that nobody has heard of yet, counts. O(their size).
bool sameConnections(envoy::config::cluster::v3::Cluster one,
                     envoy::config::cluster::v3::Cluster other);

}  // namespace weir::cluster
