// A ClusterPlan is what an envoy.config.cluster.v3.Cluster means, checked once: the settings every
// worker uses, the endpoints as configured, and how their names are resolved. A value; built on the
// main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/cluster/cluster.h"
#include "source/cluster/endpoint.h"
#include "source/net/address.h"
#include "source/net/resolver.h"
#include "source/transport/tls/secrets.h"
#include "weir/consul/v1/consul.pb.h"
#include "weir/report.h"

namespace weir::cluster {

// An endpoint as configured: an address, or in a DNS cluster a name (or literal) and a port.
struct EndpointSpec {
  net::Address address;  // of a STATIC cluster
  std::string name;      // of a DNS cluster: what to resolve
  uint16_t port = 0;     // with `name`
  std::string hostname;  // Endpoint.hostname; of a DNS cluster `name` where that is empty
  uint32_t weight = 1;
  uint32_t priority = 0;
  uint32_t locality_weight = 0;  // where localities share by weight, else 0
  Health health = Health::Healthy;
  std::string region, zone, sub_zone;
  EndpointMetadataPtr metadata;  // null: none
};

struct DnsSpec {
  net::AddressFamily family = net::AddressFamily::Auto;
  std::chrono::milliseconds refresh{5000};
  bool respect_ttl = false;
  std::chrono::milliseconds min_refresh{1000};  // of a refresh that follows TTLs
  std::chrono::milliseconds failure_base{5000}, failure_max{5000};  // equal: no back-off
  std::chrono::milliseconds jitter{0};  // up to this much is added to each interval
  bool wait_for_warm = true;            // the server is not ready before the first answer
  net::ResolverSettings resolver;
};

// Where the endpoints of an EDS cluster come from, and under which name.
struct EdsSpec {
  envoy::config::core::v3::ConfigSource source;
  std::string name;  // service_name, or the cluster's
};

// What a ClusterLoadAssignment says.
struct Assignment {
  std::vector<EndpointSpec> endpoints;
  PriorityRules rules;
};

struct ClusterPlan {
  ClusterSettings settings;
  std::vector<EndpointSpec> endpoints;  // none of an EDS cluster, or a Consul one
  PriorityRules rules;                  // nor these
  bool locality_weighted = false;
  DnsSpec dns;                             // of a DNS cluster
  EdsSpec eds;                             // of an EDS cluster
  weir::consul::v1::ConsulCluster consul;  // of such a cluster; not looked at yet
};

// What planning needs from the server.
struct ClusterBuild {
  std::shared_ptr<const transport::Secrets> secrets = std::make_shared<transport::Secrets>();
  StatScope scope;  // the cluster's
};

// Reports everything that is wrong and warns of what is ignored; nothing if anything was wrong.
std::optional<ClusterPlan> planCluster(const envoy::config::cluster::v3::Cluster& proto,
                                       const Where& at, const ClusterBuild& build = {});

// What EDS answered for the plan's cluster. Nothing, and reported, when anything is wrong with it.
std::optional<Assignment> planAssignment(
    const envoy::config::endpoint::v3::ClusterLoadAssignment& proto, const ClusterPlan& plan,
    const Where& at);

// Endpoints that have addresses; of those that `former` has just so, its objects, and of those that
// it has elsewhere (with another weight, priority, locality or health) the same hosts.
EndpointSetPtr makeEndpoints(const std::vector<EndpointSpec>& specs, const EndpointSet& former = {},
                             const PriorityRules& rules = {});

// One endpoint of a plan at an address; the same host as `former`, if that is not null.
std::shared_ptr<Endpoint> makeEndpoint(const EndpointSpec& spec, const net::Address& address,
                                       const Endpoint* former = nullptr);

}  // namespace weir::cluster
