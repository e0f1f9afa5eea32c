#include <algorithm>
#include <map>
#include <tuple>

#include "source/cluster/plan_parts.h"

namespace weir::cluster {
namespace {

using envoy::config::core::v3::HealthStatus;
using envoy::config::core::v3::SocketAddress;
using envoy::config::endpoint::v3::ClusterLoadAssignment;
using envoy::config::endpoint::v3::LbEndpoint;
using envoy::config::endpoint::v3::LocalityLbEndpoints;

constexpr uint32_t kMaxPriority = 128;

class Reading {
 public:
  Reading(Discovery discovery, bool locality_weighted)
      : discovery_(discovery), locality_weighted_(locality_weighted) {}

  void localities(const ClusterLoadAssignment& proto, const Where& at);
  Assignment take() { return {std::move(specs_), rules_}; }

 private:
  void locality(const LocalityLbEndpoints& proto, const Where& at);
  void endpoint(const LbEndpoint& proto, const EndpointSpec& shared, const Where& at);
  bool readAddress(const envoy::config::core::v3::Address& proto, EndpointSpec& spec,
                   const Where& at) const;
  bool readSocketAddress(const SocketAddress& proto, EndpointSpec& spec, const Where& at) const;
  void policy(const ClusterLoadAssignment::Policy& proto, const Where& at);

  const Discovery discovery_;
  const bool locality_weighted_;
  std::vector<EndpointSpec> specs_;
  PriorityRules rules_;
};

Health healthOf(HealthStatus status) {
  switch (status) {
    case HealthStatus::UNHEALTHY:
    case HealthStatus::TIMEOUT:
      return Health::Unhealthy;
    case HealthStatus::DRAINING:
      return Health::Draining;
    case HealthStatus::DEGRADED:
      return Health::Degraded;
    default:
      return Health::Healthy;
  }
}

bool isDns(Discovery discovery) {
  return discovery == Discovery::StrictDns || discovery == Discovery::LogicalDns;
}

bool Reading::readSocketAddress(const SocketAddress& proto, EndpointSpec& spec,
                                const Where& at) const {
  const Unsupported unsupported(at);
  bool ok = true;
  const auto wrong = [&](std::string_view field, std::string text) {
    at.field(field).error(std::move(text));
    ok = false;
  };
  if (proto.protocol() != SocketAddress::TCP) wrong("protocol", "only TCP is supported");
  if (!proto.named_port().empty()) {
    wrong("named_port", "named ports are not supported: give port_value");
  }
  if (proto.port_value() > 65535) wrong("port_value", "a port is at most 65535");
  if (!proto.network_namespace_filepath().empty()) {
    wrong("network_namespace_filepath", "another network namespace is not supported");
  }
  if (!proto.resolver_name().empty()) {
    wrong("resolver_name", isDns(discovery_) ? "a DNS cluster must not have a custom resolver"
                                             : "custom resolvers are not supported");
  }
  if (proto.address().empty()) wrong("address", "expected an address, found nothing");
  if (!ok) return false;
  spec.port = static_cast<uint16_t>(proto.port_value());
  if (isDns(discovery_)) {
    spec.name = proto.address();
    if (spec.hostname.empty()) spec.hostname = spec.name;
    return true;
  }
  auto ip = net::Address::ip(proto.address(), spec.port);
  if (ip) {
    spec.address = *std::move(ip);
    return true;
  }
  wrong("address", ip.error().text +
                       ": a cluster that resolves names has type STRICT_DNS or "
                       "LOGICAL_DNS");
  return false;
}

bool Reading::readAddress(const envoy::config::core::v3::Address& proto, EndpointSpec& spec,
                          const Where& at) const {
  if (proto.has_socket_address()) {
    return readSocketAddress(proto.socket_address(), spec, at.field("socket_address"));
  }
  if (proto.has_envoy_internal_address()) {
    at.field("envoy_internal_address").error("internal listeners are not supported");
    return false;
  }
  if (!proto.has_pipe()) {
    at.error("expected socket_address or pipe");
    return false;
  }
  if (isDns(discovery_)) {
    at.field("pipe").error("a DNS cluster resolves names; a unix socket needs type STATIC");
    return false;
  }
  auto path = net::Address::unixPath(proto.pipe().path());
  if (!path) {
    at.field("pipe").field("path").error(path.error().text);
    return false;
  }
  spec.address = *std::move(path);
  return true;
}

void Reading::endpoint(const LbEndpoint& proto, const EndpointSpec& shared, const Where& at) {
  EndpointSpec spec = shared;
  if (proto.has_load_balancing_weight()) {
    spec.weight = proto.load_balancing_weight().value();
    if (spec.weight == 0) at.field("load_balancing_weight").error("expected at least 1");
  }
  if (!proto.endpoint_name().empty()) {
    at.field("endpoint_name").error("named endpoints are not supported: give endpoint");
    return;
  }
  const auto& endpoint = proto.endpoint();
  const Where here = at.field("endpoint");
  spec.hostname = endpoint.hostname();
  const Unsupported unsupported(here);
  unsupported.ignore(endpoint.has_health_check_config(), "health_check_config",
                     "active health checking");
  unsupported.ignore(endpoint.additional_addresses_size() != 0, "additional_addresses",
                     "trying further addresses of an endpoint");
  if (!readAddress(endpoint.address(), spec, here.field("address"))) return;
  spec.health = healthOf(proto.health_status());
  spec.metadata = EndpointMetadata::from(proto.metadata());
  specs_.push_back(std::move(spec));
}

void Reading::locality(const LocalityLbEndpoints& proto, const Where& at) {
  EndpointSpec shared;
  shared.priority = proto.priority();
  shared.region = proto.locality().region();
  shared.zone = proto.locality().zone();
  shared.sub_zone = proto.locality().sub_zone();
  if (proto.priority() > kMaxPriority) at.field("priority").error("a priority is at most 128");
  if (proto.has_load_balancing_weight() && proto.load_balancing_weight().value() == 0) {
    at.field("load_balancing_weight").error("expected at least 1");
  }
  const Unsupported unsupported(at);
  unsupported.refuse(proto.has_leds_cluster_locality_config(), "leds_cluster_locality_config",
                     "discovery of a locality's endpoints (LEDS)");
  if (locality_weighted_) shared.locality_weight = proto.load_balancing_weight().value();
  const auto read = [&](const auto& endpoints, const Where& list_at) {
    for (int i = 0; i < endpoints.size(); ++i) {
      endpoint(endpoints[i], shared, list_at.index(static_cast<size_t>(i)));
    }
  };
  // The list in the oneof, where given, stands for the plain one.
  if (proto.has_load_balancer_endpoints()) {
    read(proto.load_balancer_endpoints().lb_endpoints(),
         at.field("load_balancer_endpoints").field("lb_endpoints"));
  } else {
    read(proto.lb_endpoints(), at.field("lb_endpoints"));
  }
}

void Reading::policy(const ClusterLoadAssignment::Policy& proto, const Where& at) {
  Unsupported(at).refuse(proto.drop_overloads_size() != 0, "drop_overloads",
                         "dropping a share of the requests");
  rules_.weighted_health = proto.weighted_priority_health();
  if (!proto.has_overprovisioning_factor()) return;
  rules_.overprovisioning_factor = proto.overprovisioning_factor().value();
  if (rules_.overprovisioning_factor == 0) {
    at.field("overprovisioning_factor").error("expected at least 1");
  }
}

void Reading::localities(const ClusterLoadAssignment& proto, const Where& at) {
  const Where list_at = at.field("endpoints");
  std::map<std::pair<uint32_t, std::tuple<std::string, std::string, std::string>>, uint64_t> sums;
  for (int i = 0; i < proto.endpoints_size(); ++i) {
    const Where here = list_at.index(static_cast<size_t>(i));
    const size_t before = specs_.size();
    locality(proto.endpoints(i), here);
    for (size_t k = before; k < specs_.size(); ++k) {
      const EndpointSpec& spec = specs_[k];
      auto& sum = sums[{spec.priority, {spec.region, spec.zone, spec.sub_zone}}];
      if (sum <= UINT32_MAX && (sum += spec.weight) > UINT32_MAX) {
        here.error("the weights of this locality's endpoints add up to more than 4294967295");
      }
    }
  }
  Unsupported(at).ignore(proto.named_endpoints_size() != 0, "named_endpoints", "naming endpoints");
  policy(proto.policy(), at.field("policy"));
}

// A LOGICAL_DNS cluster is one name behind one endpoint.
void checkLogicalDns(const ClusterLoadAssignment& proto, const Where& at) {
  const bool one = proto.endpoints_size() == 1 &&
                   (proto.endpoints(0).has_load_balancer_endpoints()
                        ? proto.endpoints(0).load_balancer_endpoints().lb_endpoints_size()
                        : proto.endpoints(0).lb_endpoints_size()) == 1;
  if (!one) {
    at.field("endpoints")
        .error(
            "a LOGICAL_DNS cluster has exactly one endpoint in exactly one "
            "locality; STRICT_DNS takes several");
  }
}

}  // namespace

Assignment planEndpoints(const ClusterProto& proto, Discovery discovery, bool locality_weighted,
                         const Where& at) {
  const Where here = at.field("load_assignment");
  if (proto.has_load_assignment() && proto.load_assignment().cluster_name().empty()) {
    here.field("cluster_name").error("expected a name, found nothing");
  }
  if (discovery == Discovery::LogicalDns) checkLogicalDns(proto.load_assignment(), here);
  Reading reading(discovery, locality_weighted);
  reading.localities(proto.load_assignment(), here);
  return reading.take();
}

PriorityRules planRules(const ClusterProto& proto, const Where& at) {
  const Where here = at.field("load_assignment");
  if (proto.load_assignment().endpoints_size() != 0) {
    here.field("endpoints").error("has no place in a cluster whose endpoints Consul knows");
  }
  Reading reading(Discovery::Consul, false);
  reading.localities(proto.load_assignment(), here);
  return reading.take().rules;
}

EdsSpec planEds(const ClusterProto& proto, const Where& at) {
  EdsSpec spec;
  spec.source = proto.eds_cluster_config().eds_config();
  spec.name = proto.eds_cluster_config().service_name();
  if (spec.name.empty()) spec.name = proto.name();
  if (!proto.eds_cluster_config().has_eds_config()) {
    at.field("eds_cluster_config")
        .field("eds_config")
        .error("expected where the endpoints come from, such as ads: {}");
  }
  if (proto.has_load_assignment()) {
    at.field("load_assignment").error("has no place in a cluster of type EDS");
  }
  return spec;
}

std::optional<Assignment> planAssignment(const ClusterLoadAssignment& proto,
                                         const ClusterPlan& plan, const Where& at) {
  const size_t errors_before = at.report().errors();
  if (proto.cluster_name() != plan.eds.name) {
    at.field("cluster_name")
        .error("expected '" + plan.eds.name + "', found '" + proto.cluster_name() + "'");
  }
  Reading reading(Discovery::Eds, plan.locality_weighted);
  reading.localities(proto, at);
  if (at.report().errors() != errors_before) return std::nullopt;
  return reading.take();
}

}  // namespace weir::cluster
