#include "tools/xds_crowd/crowd.h"

#include <charconv>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"

namespace weir::xds_crowd {

std::optional<size_t> Crowd::numberOf(std::string_view name) const {
  size_t number = 0;
  if (!name.starts_with('c')) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number >= size()) {
    return std::nullopt;
  }
  return number;
}

void Crowd::fillCluster(size_t number, Resource& resource) const {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name(nameOf(number));
  cluster.set_type(cluster.EDS);
  cluster.mutable_connect_timeout()->set_seconds(1);
  auto& source = *cluster.mutable_eds_cluster_config()->mutable_eds_config();
  source.mutable_ads();
  source.set_resource_api_version(envoy::config::core::v3::V3);
  resource.set_name(cluster.name());
  resource.set_version("1");
  resource.mutable_resource()->set_type_url(kClusterUrl);
  resource.mutable_resource()->set_value(cluster.SerializeAsString());
}

void Crowd::fillEndpoints(size_t number, Resource& resource) const {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(nameOf(number));
  auto& locality = *assignment.add_endpoints();
  locality.mutable_locality()->set_region("region");
  locality.mutable_locality()->set_zone("zone-a");
  const uint32_t lacking = (endpoints_ + moves_[number]) % (endpoints_ + 1);
  for (uint32_t host = 0; host <= endpoints_; ++host) {
    if (host == lacking) continue;
    auto& endpoint = *locality.add_lb_endpoints();
    auto& address = *endpoint.mutable_endpoint()->mutable_address()->mutable_socket_address();
    address.set_address("127.0.0." + std::to_string(host + 1));
    address.set_port_value(port_);
    endpoint.mutable_load_balancing_weight()->set_value(1);
    endpoint.set_health_status(envoy::config::core::v3::HEALTHY);
  }
  resource.set_name(assignment.cluster_name());
  resource.set_version(std::to_string(moves_[number]));
  resource.mutable_resource()->set_type_url(kEndpointsUrl);
  resource.mutable_resource()->set_value(assignment.SerializeAsString());
}

}  // namespace weir::xds_crowd
