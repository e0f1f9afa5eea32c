// What a match makes of a request: aim() prepares it for its route's cluster, answer() is the reply
// where no cluster is asked. The one way from a route to either, for the requests of clients
// (stream/exchange.cc) and the calls of filters (stream/async_call.cc) alike. Views live as long as
// the arena and the route table. Worker thread only.
//
// Order for a cluster: aim() once, prepareAttempt() before each attempt.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/cluster/worker_cluster.h"
#include "source/router/route_table.h"

namespace weir::router {

struct Destination {
  cluster::WorkerCluster* cluster = nullptr;  // null: there is no cluster of that name
  std::string_view name;
  const WeightedCluster* weighted = nullptr;  // for Route::prepareResponse
};

// What is said beside the route.
struct Terms {
  bool envoy_headers = true;                // false: suppress_envoy_headers
  bool scheme_matches_upstream = false;     // match_upstream of scheme_header_transformation
  const WeightedCluster* picked = nullptr;  // the weighted cluster, where it was picked before
};

// Chooses the cluster and changes the head as the route says. `route.cluster()` is set.
Destination aim(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                cluster::WorkerClusters& clusters, uint64_t random, const Terms& terms);

// The last changes, when the endpoint is known. `host_name`: the endpoint's; may be empty.
void prepareAttempt(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                    std::string_view host_name);

struct RouteReply {
  enum class Kind : uint8_t { NoRoute, Https, Direct, Redirect };

  Kind kind = Kind::NoRoute;
  uint16_t status = 404;
  std::string_view body;
  std::string_view details = "route_not_found";
  Fields* fields = nullptr;  // location, content-type, and what the route adds; null: none
};

// For every match without a cluster.
RouteReply answer(const Match& match, const RequestHead& head, const StreamInfo& info,
                  Arena& arena);

}  // namespace weir::router
