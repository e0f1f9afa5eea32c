// What workers want of clusters is asked on the main thread, where they are made; a cluster comes
// to the workers as all do. Made before the worker runs; both loops outlive `wanted`.
#pragma once

#include <functional>
#include <string>

#include "source/cluster/wanted_clusters.h"
#include "source/net/loop.h"
#include "weir/stats.h"

namespace weir::server {

// Called on the main thread. True: the cluster is there, or comes. False: there will be none.
using OnDemand = std::function<bool(const std::string& name)>;

// `own`: the worker's loop.
void askOnDemand(cluster::WantedClusters& wanted, net::Loop& own, net::Loop& main,
                 OnDemand on_demand, const StatScope& scope);

}  // namespace weir::server
