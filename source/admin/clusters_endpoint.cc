#include <re2/re2.h>

#include <span>

#include "envoy/admin/v3/clusters.pb.h"
#include "source/admin/handlers.h"
#include "source/admin/json.h"
#include "source/admin/proto_address.h"

namespace weir::admin {
namespace {

using cluster::Cluster;
using cluster::Endpoint;
using cluster::Health;
using envoy::admin::v3::SimpleMetric;

// An endpoint's counters in the order of the text page.
struct NamedCount {
  std::string_view name;
  std::atomic<uint64_t> cluster::EndpointCounts::*count;
  SimpleMetric::Type type;
};
constexpr NamedCount kCounts[] = {
    {"cx_active", &cluster::EndpointCounts::cx_active, SimpleMetric::GAUGE},
    {"cx_connect_fail", &cluster::EndpointCounts::cx_connect_fail, SimpleMetric::COUNTER},
    {"cx_total", &cluster::EndpointCounts::cx_total, SimpleMetric::COUNTER},
    {"rq_active", &cluster::EndpointCounts::rq_active, SimpleMetric::GAUGE},
    {"rq_error", &cluster::EndpointCounts::rq_error, SimpleMetric::COUNTER},
    {"rq_success", &cluster::EndpointCounts::rq_success, SimpleMetric::COUNTER},
    {"rq_timeout", &cluster::EndpointCounts::rq_timeout, SimpleMetric::COUNTER},
    {"rq_total", &cluster::EndpointCounts::rq_total, SimpleMetric::COUNTER},
};

uint64_t valueOf(const Endpoint& endpoint, const NamedCount& named) {
  return (endpoint.counts.*named.count).load(std::memory_order_relaxed);
}

std::string_view flagsOf(Health health) {
  switch (health) {
    case Health::Healthy:
      return "healthy";
    case Health::Degraded:
      return "/degraded_eds_health";
    case Health::Unhealthy:
      return "/failed_eds_health";
    case Health::Draining:
      return "/eds_status_draining";
  }
  return "";
}

envoy::config::core::v3::HealthStatus statusOf(Health health) {
  switch (health) {
    case Health::Healthy:
      return envoy::config::core::v3::HEALTHY;
    case Health::Degraded:
      return envoy::config::core::v3::DEGRADED;
    case Health::Unhealthy:
      return envoy::config::core::v3::UNHEALTHY;
    case Health::Draining:
      return envoy::config::core::v3::DRAINING;
  }
  return envoy::config::core::v3::UNKNOWN;
}

void appendLimits(std::string& to, const std::string& prefix, const cluster::Limits& limits) {
  to += prefix + "max_connections::" + std::to_string(limits.max_connections) + "\n";
  to += prefix + "max_pending_requests::" + std::to_string(limits.max_pending) + "\n";
  to += prefix + "max_requests::" + std::to_string(limits.max_requests) + "\n";
  to += prefix + "max_retries::" + std::to_string(limits.max_retries) + "\n";
}

void appendEndpoint(std::string& to, const std::string& cluster, const Endpoint& endpoint) {
  const std::string prefix = cluster + "::" + endpoint.connectAddress().text() + "::";
  const auto line = [&](std::string_view name, std::string_view value) {
    to.append(prefix).append(name).append("::").append(value).append("\n");
  };
  for (const NamedCount& named : kCounts) {
    line(named.name, std::to_string(valueOf(endpoint, named)));
  }
  line("hostname", endpoint.hostname);
  line("health_flags", flagsOf(endpoint.health));
  line("weight", std::to_string(endpoint.weight));
  line("region", endpoint.region);
  line("zone", endpoint.zone);
  line("sub_zone", endpoint.sub_zone);
  line("canary", "false");
  line("priority", std::to_string(endpoint.priority));
  line("success_rate", "-1");
  line("local_origin_success_rate", "-1");
}

void appendCluster(const Cluster& cluster, const DiscoveryView* discovery, telemetry::Page& page) {
  const cluster::ClusterSettings& settings = cluster.settings();
  const std::string& name = settings.name;
  std::string& text = page.text();
  text += name + "::observability_name::" + settings.stat_name + "\n";
  appendLimits(text, name + "::default_priority::", settings.limits);
  appendLimits(text, name + "::high_priority::", settings.high_limits);
  text += name + "::added_via_api::" + (settings.added_via_api ? "true" : "false") + "\n";
  if (!settings.eds_service_name.empty()) {
    text += name + "::eds_service_name::" + settings.eds_service_name + "\n";
  }
  if (discovery != nullptr) {
    text += name + "::list_age_seconds::" + std::to_string(discovery->age.count()) + "\n";
    text += name + "::discovery_trouble::" + discovery->trouble + "\n";
  }
  for (const auto now = cluster.endpoints(); const cluster::EndpointPtr& endpoint : now->all) {
    appendEndpoint(page.text(), name, *endpoint);
    page.settle();
  }
}

void writeLimits(const cluster::Limits& limits,
                 envoy::config::cluster::v3::CircuitBreakers::Thresholds& to) {
  to.mutable_max_connections()->set_value(limits.max_connections);
  to.mutable_max_pending_requests()->set_value(limits.max_pending);
  to.mutable_max_requests()->set_value(limits.max_requests);
  to.mutable_max_retries()->set_value(limits.max_retries);
}

void writeEndpoint(const Endpoint& endpoint, envoy::admin::v3::HostStatus& to) {
  writeAddress(endpoint.connectAddress(), *to.mutable_address());
  for (const SimpleMetric::Type type : {SimpleMetric::COUNTER, SimpleMetric::GAUGE}) {
    for (const NamedCount& named : kCounts) {
      if (named.type != type) continue;
      SimpleMetric& metric = *to.add_stats();
      metric.set_name(std::string(named.name));
      metric.set_type(type);
      metric.set_value(valueOf(endpoint, named));
    }
  }
  to.mutable_health_status()->set_eds_health_status(statusOf(endpoint.health));
  to.set_weight(endpoint.weight);
  to.set_hostname(endpoint.hostname);
  to.set_priority(endpoint.priority);
  auto& locality = *to.mutable_locality();
  locality.set_region(endpoint.region);
  locality.set_zone(endpoint.zone);
  locality.set_sub_zone(endpoint.sub_zone);
}

void writeCluster(const Cluster& cluster, envoy::admin::v3::ClusterStatus& to) {
  to.set_name(cluster.name());
  to.set_observability_name(cluster.settings().stat_name);
  to.set_added_via_api(cluster.settings().added_via_api);
  to.set_eds_service_name(cluster.settings().eds_service_name);
  auto& breakers = *to.mutable_circuit_breakers();
  writeLimits(cluster.settings().limits, *breakers.add_thresholds());
  auto& high = *breakers.add_thresholds();
  high.set_priority(envoy::config::core::v3::HIGH);
  writeLimits(cluster.settings().high_limits, high);
  for (const auto now = cluster.endpoints(); const cluster::EndpointPtr& endpoint : now->all) {
    writeEndpoint(*endpoint, *to.add_host_statuses());
  }
}

}  // namespace

Response clusters(const Request& request, AdminSource& source) {
  auto filter = std::make_shared<const RE2>(std::string(request.get("filter")), RE2::Quiet);
  if (!filter->ok()) return refused(400, "Invalid re2 regex\n");
  const bool json = request.get("format") == "json";
  Response response;
  if (json) response.content_type = kJson;
  response.page = [table = source.clusters(), discovery = source.discovery(), filter,
                   json](const Sink& sink) {
    envoy::admin::v3::Clusters proto;
    telemetry::Page page(sink);
    for (const cluster::ClusterPtr& cluster : *table) {
      if (!RE2::PartialMatch(cluster->name(), *filter)) continue;
      if (json) {
        writeCluster(*cluster, *proto.add_cluster_statuses());
        continue;
      }
      const auto view = discovery.find(cluster->name());
      appendCluster(*cluster, view == discovery.end() ? nullptr : &view->second, page);
    }
    if (json) page.append(toJson(proto));
  };
  return response;
}

}  // namespace weir::admin
