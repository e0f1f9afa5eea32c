#include "source/xds/resource_type.h"

#include <array>

namespace weir::xds {
namespace {

constexpr std::array<TypeFacts, 9> kTypes = {{
    {ResourceType::Cluster, "type.googleapis.com/envoy.config.cluster.v3.Cluster", "cluster",
     "/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters",
     "/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters", "/v3/discovery:clusters",
     true, true},
    {ResourceType::Endpoints, "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
     "endpoints of cluster", "/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints",
     "/envoy.service.endpoint.v3.EndpointDiscoveryService/DeltaEndpoints",
     "/v3/discovery:endpoints", false, false},
    {ResourceType::Listener, "type.googleapis.com/envoy.config.listener.v3.Listener", "listener",
     "/envoy.service.listener.v3.ListenerDiscoveryService/StreamListeners",
     "/envoy.service.listener.v3.ListenerDiscoveryService/DeltaListeners",
     "/v3/discovery:listeners", true, true},
    {ResourceType::Routes, "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
     "route configuration", "/envoy.service.route.v3.RouteDiscoveryService/StreamRoutes",
     "/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes", "/v3/discovery:routes", false,
     false},
    {ResourceType::ScopedRoutes,
     "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration", "scoped routes",
     "/envoy.service.route.v3.ScopedRoutesDiscoveryService/StreamScopedRoutes",
     "/envoy.service.route.v3.ScopedRoutesDiscoveryService/DeltaScopedRoutes",
     "/v3/discovery:scoped-routes", true, true},
    {ResourceType::VirtualHost,
     "type.googleapis.com/envoy.config.route.v3.VirtualHost",
     "virtual host",
     {},
     "/envoy.service.route.v3.VirtualHostDiscoveryService/DeltaVirtualHosts",
     {},
     false,
     true},
    {ResourceType::Secret, "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
     "secret", "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
     "/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets", "/v3/discovery:secrets", false,
     false},
    {ResourceType::Runtime, "type.googleapis.com/envoy.service.runtime.v3.Runtime", "runtime layer",
     "/envoy.service.runtime.v3.RuntimeDiscoveryService/StreamRuntime",
     "/envoy.service.runtime.v3.RuntimeDiscoveryService/DeltaRuntime", "/v3/discovery:runtime",
     false, true},
    {ResourceType::Extension, "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
     "extension configuration",
     "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs",
     "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs",
     "/v3/discovery:extension_configs", false, false},
}};

constexpr bool inOrder() {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].type != static_cast<ResourceType>(i)) return false;
  }
  return true;
}
static_assert(inOrder());

std::string_view afterSlash(std::string_view url) {
  const size_t slash = url.rfind('/');
  return slash == std::string_view::npos ? url : url.substr(slash + 1);
}

}  // namespace

const TypeFacts& factsOf(ResourceType type) { return kTypes[static_cast<size_t>(type)]; }

const TypeFacts* findType(std::string_view url) {
  for (const TypeFacts& facts : kTypes) {
    if (afterSlash(facts.url) == afterSlash(url)) return &facts;
  }
  return nullptr;
}

}  // namespace weir::xds
