// What a match makes of a request: aim() prepares it for its route's cluster, answer() is the reply
// where no cluster is asked. The one way from a route to either, for the requests of clients
// (stream/exchange.cc) and the calls of filters (stream/async_call.cc) alike. Views live as long as
// the arena and the route table. Worker thread only.
//
// Order for a cluster: aim() once, prepareAttempt() before each attempt.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "source/cluster/worker_cluster.h"
#include "source/router/route_table.h"
#include "source/router/tries.h"

namespace weir::router {

// What is said beside the route.
struct Terms {
  bool envoy_headers = true;                // false: suppress_envoy_headers
  bool scheme_matches_upstream = false;     // match_upstream of scheme_header_transformation
  bool steered = false;                     // the head may have fields that are Steering
  uint64_t buffer_limit = 0;                // the listener's, of each connection; 0: none
  const WeightedCluster* picked = nullptr;  // the weighted cluster, where it was picked before
  std::chrono::milliseconds at_most{0};     // the sender's own limit to the response; 0: none
};

// 0: none.
struct Timeouts {
  std::chrono::milliseconds whole{0};  // of all attempts together
  std::chrono::milliseconds each{0};   // of each
  bool told = false;                   // to the cluster, in x-envoy-expected-rq-timeout-ms
  bool told_grpc = false;              // … in grpc-timeout
};

struct Destination {
  cluster::WorkerCluster* cluster = nullptr;  // null: there is no cluster of that name
  std::string_view name;
  const WeightedCluster* weighted = nullptr;  // for Route::prepareResponse
  const cluster::Criteria* wanted = nullptr;  // of endpoints; null: any. The route's
  Timeouts timeouts;
  std::unique_ptr<Tries> tries;  // null: one attempt, without a limit of its own
};

// Chooses the cluster and changes the head as the route says. `route.cluster()` is set.
Destination aim(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                cluster::WorkerClusters& clusters, uint64_t random, const Terms& terms);

// The last changes, when the endpoint is known and something may be sent there. `host_name`: the
// endpoint's; may be empty. `info` tells of this attempt and of the outcome of the one before.
void prepareAttempt(const Route& route, RequestHead& head, const StreamInfo& info, Arena& arena,
                    const Timeouts& timeouts, std::string_view host_name);

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
