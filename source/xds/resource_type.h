// The types of resources that xDS v3 carries, and what their protocols need to know of each.
// https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::xds {

enum class ResourceType : uint8_t {
  Cluster,
  Endpoints,  // ClusterLoadAssignment
  Listener,
  Routes,  // RouteConfiguration
  ScopedRoutes,
  VirtualHost,
  Secret,
  Runtime,
  Extension,
};

struct TypeFacts {
  ResourceType type;
  std::string_view url;            // "type.googleapis.com/envoy.config.cluster.v3.Cluster"
  std::string_view title;          // "cluster", for errors
  std::string_view stream_method;  // paths; empty: there is none
  std::string_view delta_method;
  std::string_view fetch_path;
  // Of the state of the world: what a response leaves out is gone. Otherwise a response may hold
  // only what has changed.
  bool whole;
  // What is removed by name (delta, or its time to live is over) is taken out of use. Otherwise the
  // content known last is used on.
  bool removable;
};

const TypeFacts& factsOf(ResourceType type);
// By type URL, whatever stands before its last slash; null: not of these.
const TypeFacts* findType(std::string_view url);

inline constexpr std::string_view kAdsStreamMethod =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
inline constexpr std::string_view kAdsDeltaMethod =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

}  // namespace weir::xds
