#include "source/cluster/cluster_plan.h"

#include <algorithm>
#include <map>

#include "source/cluster/plan_parts.h"

namespace weir::cluster {
namespace {

using envoy::config::cluster::v3::CircuitBreakers;
using envoy::config::core::v3::RoutingPriority;

// How endpoints are found; the messages are kept for their settings.
struct Type {
  Discovery discovery = Discovery::Static;
  bool known = false;
  std::optional<DnsClusterProto> dns_cluster;
  ConsulClusterProto consul = {};
};

Type readCustomType(const ClusterProto::CustomClusterType& proto, const Where& at) {
  const std::string type = anyTypeName(proto.typed_config());
  if (type == DnsClusterProto::descriptor()->full_name()) {
    Type result{.known = true, .dns_cluster = DnsClusterProto()};
    unpackPlain(proto.typed_config(), *result.dns_cluster, at.field("typed_config"));
    result.discovery = result.dns_cluster->all_addresses_in_single_endpoint()
                           ? Discovery::LogicalDns
                           : Discovery::StrictDns;
    return result;
  }
  if (type == ConsulClusterProto::descriptor()->full_name()) {
    Type result{.discovery = Discovery::Consul, .known = true, .dns_cluster = {}};
    unpackPlain(proto.typed_config(), result.consul, at.field("typed_config"));
    return result;
  }
  if (type.empty() || type == "google.protobuf.Empty") {
    if (proto.name() == "envoy.cluster.static") return {Discovery::Static, true, {}};
    if (proto.name() == "envoy.cluster.strict_dns") return {Discovery::StrictDns, true, {}};
    if (proto.name() == "envoy.cluster.logical_dns") return {Discovery::LogicalDns, true, {}};
    if (proto.name() == "envoy.cluster.eds") return {Discovery::Eds, true, {}};
  }
  at.error("clusters of type " + (type.empty() ? "'" + proto.name() + "'" : type) +
           " are not supported, only STATIC, STRICT_DNS, LOGICAL_DNS, EDS, " +
           DnsClusterProto::descriptor()->full_name() + " and " +
           ConsulClusterProto::descriptor()->full_name());
  return {};
}

Type readType(const ClusterProto& proto, const Where& at) {
  if (proto.has_cluster_type())
    return readCustomType(proto.cluster_type(), at.field("cluster_type"));
  switch (proto.type()) {
    case ClusterProto::STATIC:
      return {Discovery::Static, true, {}};
    case ClusterProto::STRICT_DNS:
      return {Discovery::StrictDns, true, {}};
    case ClusterProto::LOGICAL_DNS:
      return {Discovery::LogicalDns, true, {}};
    case ClusterProto::EDS:
      return {Discovery::Eds, true, {}};
    case ClusterProto::ORIGINAL_DST:
      at.field("type").error(
          "ORIGINAL_DST clusters are not supported yet, only STATIC, STRICT_DNS, LOGICAL_DNS and "
          "EDS");
      return {};
    default:
      at.field("type").error("not a cluster type: " + std::to_string(proto.type()));
  }
  return {};
}

RetryBudget readRetryBudget(const CircuitBreakers::Thresholds::RetryBudget& proto,
                            const Where& at) {
  RetryBudget made;
  if (proto.has_budget_percent()) made.percent = proto.budget_percent().value();
  if (!(made.percent >= 0 && made.percent <= 100)) {
    at.field("budget_percent").error("expected a percentage from 0 to 100");
  }
  Unsupported(at).ignore(proto.has_budget_interval(), "budget_interval",
                         "counting the requests of a span of time");
  if (proto.has_min_retry_concurrency()) made.least = proto.min_retry_concurrency().value();
  return made;
}

void readThresholds(const CircuitBreakers::Thresholds& proto, Limits& limits, const Where& at) {
  if (proto.has_max_connections()) limits.max_connections = proto.max_connections().value();
  if (proto.has_max_pending_requests()) limits.max_pending = proto.max_pending_requests().value();
  if (proto.has_max_requests()) limits.max_requests = proto.max_requests().value();
  if (proto.has_max_retries()) limits.max_retries = proto.max_retries().value();
  const Unsupported unsupported(at);
  if (proto.has_retry_budget()) {
    limits.retry_budget = readRetryBudget(proto.retry_budget(), at.field("retry_budget"));
  }
  unsupported.ignore(proto.track_remaining(), "track_remaining", "counting what remains");
  unsupported.ignore(proto.has_max_connection_pools(), "max_connection_pools",
                     "a limit to connection pools");
}

void readCircuitBreakers(const CircuitBreakers& proto, ClusterSettings& settings, const Where& at) {
  bool seen[2] = {};
  for (int i = 0; i < proto.thresholds_size(); ++i) {
    const auto& thresholds = proto.thresholds(i);
    const Where here = at.field("thresholds").index(static_cast<size_t>(i));
    const bool high = thresholds.priority() == RoutingPriority::HIGH;
    if (!high && thresholds.priority() != RoutingPriority::DEFAULT) {
      here.field("priority").error("expected DEFAULT or HIGH");
    } else if (std::exchange(seen[high], true)) {  // the first counts, as in Envoy
      here.warning("has no effect: the thresholds of this priority stand above");
    } else {
      readThresholds(thresholds, high ? settings.high_limits : settings.limits, here);
    }
  }
  Unsupported(at).refuse(proto.per_host_thresholds_size() != 0, "per_host_thresholds",
                         "limiting each endpoint by itself");
}

// Connections leave from whatever address the kernel chooses: only a configuration that asks for
// just that is obeyed.
void readBinding(const envoy::config::core::v3::BindConfig& proto, const Where& at) {
  const auto& source = proto.source_address();
  const Unsupported unsupported(at);
  const bool any =
      source.address().empty() || source.address() == "0.0.0.0" || source.address() == "::";
  unsupported.refuse(!any || source.port_value() != 0, "source_address",
                     "choosing the local address");
  unsupported.refuse(proto.freebind().value(), "freebind", "freebind");
  unsupported.refuse(proto.socket_options_size() != 0, "socket_options", "setting socket options");
  unsupported.refuse(proto.extra_source_addresses_size() != 0, "extra_source_addresses",
                     "choosing the local address");
  unsupported.refuse(proto.additional_source_addresses_size() != 0, "additional_source_addresses",
                     "choosing the local address");
  unsupported.refuse(proto.has_local_address_selector(), "local_address_selector",
                     "choosing the local address");
}

void readUnsupported(const ClusterProto& proto, Discovery discovery, const Where& at) {
  const Unsupported unsupported(at);
  unsupported.refuse(proto.transport_socket_matches_size() != 0, "transport_socket_matches",
                     "choosing the transport socket by endpoint");
  unsupported.refuse(proto.has_transport_socket_matcher(), "transport_socket_matcher",
                     "choosing the transport socket by endpoint");
  unsupported.refuse(proto.filters_size() != 0, "filters", "network filters towards clusters");
  unsupported.refuse(proto.has_upstream_config(), "upstream_config", "another kind of upstream");
  unsupported.refuse(proto.connection_pool_per_downstream_connection(),
                     "connection_pool_per_downstream_connection",
                     "a connection pool for each downstream connection");
  unsupported.refuse(proto.has_queuing_policies(), "queuing_policies", "a policy for the queue");
  if (proto.has_eds_cluster_config() && discovery != Discovery::Eds) {
    at.field("eds_cluster_config").error("has no place in a cluster that is not of type EDS");
  }
  unsupported.ignore(proto.health_checks_size() != 0, "health_checks", "active health checking");
  unsupported.ignore(proto.has_outlier_detection(), "outlier_detection", "outlier detection");
  unsupported.ignore(proto.close_connections_on_host_health_failure(),
                     "close_connections_on_host_health_failure", "health checking");
  unsupported.ignore(proto.has_stats_matcher(), "stats_matcher", "choosing stats");
  unsupported.ignore(proto.has_upstream_connection_options(), "upstream_connection_options",
                     "setting TCP keep-alive and such");
  unsupported.ignore(proto.has_per_connection_buffer_high_watermark_timeout(),
                     "per_connection_buffer_high_watermark_timeout", "a timeout on full buffers");
  unsupported.ignore(proto.has_lrs_server(), "lrs_server", "reporting load");
  unsupported.ignore(proto.track_timeout_budgets(), "track_timeout_budgets", "this statistic");
  unsupported.ignore(proto.has_track_cluster_stats(), "track_cluster_stats", "these statistics");
  unsupported.ignore(proto.has_preconnect_policy(), "preconnect_policy", "connecting in advance");
  // A DNS cluster drops the endpoints that its name no longer has; Envoy waits for a health check.
  unsupported.ignore(proto.ignore_health_on_host_removal() && discovery == Discovery::Static,
                     "ignore_health_on_host_removal", "health checking");
}

void readBasics(const ClusterProto& proto, ClusterSettings& settings, const Where& at) {
  settings.name = proto.name();
  settings.stat_name = proto.alt_stat_name().empty() ? proto.name() : proto.alt_stat_name();
  if (proto.name().empty()) at.field("name").error("expected a name, found nothing");
  if (proto.has_connect_timeout()) {
    settings.connect_timeout = readDuration(proto.connect_timeout(), std::chrono::milliseconds(1),
                                            at.field("connect_timeout"))
                                   .value_or(settings.connect_timeout);
  }
  if (proto.has_metadata()) {
    settings.metadata = std::make_shared<const telemetry::ConfiguredMetadata>(proto.metadata());
  }
  if (proto.has_per_connection_buffer_limit_bytes()) {
    settings.buffer_limit = proto.per_connection_buffer_limit_bytes().value();
  }
}

}  // namespace

std::optional<ClusterPlan> planCluster(const ClusterProto& proto, const Where& at,
                                       const ClusterBuild& build) {
  const size_t errors_before = at.report().errors();
  ClusterPlan plan;
  readBasics(proto, plan.settings, at);
  Type type = readType(proto, at);
  plan.settings.discovery = type.discovery;
  const Balancing balancing = planBalancing(proto, at);
  plan.settings.lb_policy = balancing.policy;
  plan.settings.choice_count = balancing.choice_count;
  plan.settings.panic_threshold = balancing.panic_threshold;
  plan.settings.fail_traffic_on_panic = balancing.fail_traffic_on_panic;
  plan.settings.subsets = balancing.subsets;
  readCircuitBreakers(proto.circuit_breakers(), plan.settings, at.field("circuit_breakers"));
  planHttp(proto, plan.settings, at);
  planTransport(proto, plan.settings, build, at);
  readBinding(proto.upstream_bind_config(), at.field("upstream_bind_config"));
  if (type.known) {
    readUnsupported(proto, type.discovery, at);
  }
  plan.locality_weighted = balancing.locality_weighted;
  if (type.discovery == Discovery::Eds) {
    plan.eds = planEds(proto, at);
    plan.settings.eds_service_name = proto.eds_cluster_config().service_name();
  } else if (type.discovery == Discovery::Consul) {
    plan.rules = planRules(proto, at);
    plan.consul = std::move(type.consul);
  } else if (type.known) {
    Assignment assignment = planEndpoints(proto, type.discovery, balancing.locality_weighted, at);
    plan.endpoints = std::move(assignment.endpoints);
    plan.rules = assignment.rules;
  }
  if (type.discovery == Discovery::StrictDns || type.discovery == Discovery::LogicalDns) {
    plan.dns = planDns(proto, type.dns_cluster ? &*type.dns_cluster : nullptr, at,
                       at.field("cluster_type").field("typed_config"));
  }
  if (at.report().errors() != errors_before) return std::nullopt;
  return plan;
}

std::shared_ptr<Endpoint> makeEndpoint(const EndpointSpec& spec, const net::Address& address,
                                       const Endpoint* former) {
  auto endpoint = former == nullptr ? std::make_shared<Endpoint>()
                                    : std::make_shared<Endpoint>(former->shared_counts);
  if (former != nullptr) endpoint->moving = former->moving;
  endpoint->address = address;
  endpoint->text = address.text();
  endpoint->hostname = spec.hostname;
  endpoint->weight = spec.weight;
  endpoint->priority = spec.priority;
  endpoint->locality_weight = spec.locality_weight;
  endpoint->health = spec.health;
  endpoint->region = spec.region;
  endpoint->zone = spec.zone;
  endpoint->sub_zone = spec.sub_zone;
  endpoint->metadata = spec.metadata;
  return endpoint;
}

namespace {

// What certificates are checked against is part of what a host is.
bool isHost(const Endpoint& endpoint, const EndpointSpec& spec) {
  return endpoint.moving == nullptr && endpoint.hostname == spec.hostname;
}

bool isSame(const EndpointMetadataPtr& one, const EndpointMetadataPtr& other) {
  return one == other || (one != nullptr && other != nullptr && *one == *other);
}

bool says(const Endpoint& endpoint, const EndpointSpec& spec) {
  return isHost(endpoint, spec) && endpoint.weight == spec.weight &&
         endpoint.priority == spec.priority && endpoint.locality_weight == spec.locality_weight &&
         endpoint.health == spec.health && endpoint.region == spec.region &&
         endpoint.zone == spec.zone && endpoint.sub_zone == spec.sub_zone &&
         isSame(endpoint.metadata, spec.metadata);
}

}  // namespace

EndpointSetPtr makeEndpoints(const std::vector<EndpointSpec>& specs, const EndpointSet& former,
                             const PriorityRules& rules) {
  std::multimap<std::string_view, EndpointPtr> known;
  for (const EndpointPtr& endpoint : former.all) known.emplace(endpoint->text, endpoint);
  auto set = std::make_shared<EndpointSet>();
  set->rules = rules;
  for (const EndpointSpec& spec : specs) {
    const auto [from, to] = known.equal_range(spec.address.text());
    auto same = std::find_if(from, to, [&](const auto& at) { return says(*at.second, spec); });
    const bool unchanged = same != to;
    if (!unchanged) {
      same = std::find_if(from, to, [&](const auto& at) { return isHost(*at.second, spec); });
    }
    const Endpoint* host = same == to ? nullptr : same->second.get();
    set->all.push_back(unchanged ? same->second : makeEndpoint(spec, spec.address, host));
    if (same != to) known.erase(same);
  }
  return set;
}

}  // namespace weir::cluster
