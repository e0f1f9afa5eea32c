// A Route is one entry of a virtual host: a condition, and what happens to requests that satisfy it
// first. Immutable and shared by every worker; a stream that chose one keeps its RouteTable alive.
// Call order for a forwarded request: choose(), prepareRequest() just before the head goes to the
// cluster, prepareResponse() when the response's head is known. For a redirect: location() and
// prepareResponse(). For a direct response: prepareResponse().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "source/router/body_limit.h"
#include "source/router/cluster_action.h"
#include "source/router/direct_response.h"
#include "source/router/header_ops.h"
#include "source/router/level_config.h"
#include "source/router/redirect.h"
#include "source/router/route_match.h"

namespace weir::router {

struct VirtualHost;

// How a request is prepared for a cluster.
struct Preparation {
  const WeightedCluster* weighted = nullptr;  // what choose() answered
  bool envoy_headers = true;  // x-envoy-original-path and -host are set when path or host change
};

struct Route {
  uint32_t id = 0;     // dense over the whole table: 0 <= id < RouteTable::routeCount()
  uint32_t order = 0;  // within the virtual host: the position in the configuration
  std::string name;
  RouteMatch match;
  std::variant<ClusterAction, DirectResponse, Redirect> action;
  HeaderLevel headers;
  LevelConfig config;
  const VirtualHost* host = nullptr;
  BodyLimit body_limit;          // of what is kept for retries
  bool changes_request = false;  // prepareRequest() has something to do
  bool changes_response = false;

  const ClusterAction* cluster() const { return std::get_if<ClusterAction>(&action); }
  const DirectResponse* direct() const { return std::get_if<DirectResponse>(&action); }
  const Redirect* redirect() const { return std::get_if<Redirect>(&action); }

  // Adds and removes fields, then rewrites the host and the path. Formats see the head as it was.
  void prepareRequest(RequestHead& head, const StreamInfo& info, Arena& arena,
                      const Preparation& how = {}) const {
    if (changes_request) changeRequest(head, info, arena, how);
  }
  void prepareResponse(ResponseHead& head, const StreamInfo& info, Arena& arena,
                       const WeightedCluster* weighted = nullptr) const {
    if (changes_response) changeResponse(head, info, arena, weighted);
  }
  // The Location of a redirect, and of a direct response of 201 or 3xx, which names the request's
  // own URL; else empty.
  std::string_view location(const RequestHead& head, const StreamInfo& info, Arena& arena) const;

 private:
  void changeRequest(RequestHead& head, const StreamInfo& info, Arena& arena,
                     const Preparation& how) const;
  void changeResponse(ResponseHead& head, const StreamInfo& info, Arena& arena,
                      const WeightedCluster* weighted) const;
};

}  // namespace weir::router
