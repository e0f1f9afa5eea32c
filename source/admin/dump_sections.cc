#include <google/protobuf/util/time_util.h>

#include <array>
#include <map>
#include <tuple>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/admin/config_dump.h"
#include "source/admin/proto_address.h"
#include "source/config/any.h"

namespace weir::admin {
namespace {

namespace pb = envoy::admin::v3;
using envoy::config::listener::v3::FilterChain;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using google::protobuf::Message;

google::protobuf::Timestamp stampOf(const DumpInput& input) {
  const auto since = input.configured_at.time_since_epoch();
  return google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

template <typename Dump>
const Message& typeOf() {
  return Dump::default_instance();
}

std::unique_ptr<Message> bootstrapDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::BootstrapConfigDump>();
  *dump->mutable_bootstrap() = *input.bootstrap;
  *dump->mutable_last_updated() = stampOf(input);
  return dump;
}

std::unique_ptr<Message> clustersDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::ClustersConfigDump>();
  for (const auto& cluster : input.bootstrap->static_resources().clusters()) {
    if (!input.wants(cluster.name())) continue;
    auto& entry = *dump->add_static_clusters();
    entry.mutable_cluster()->PackFrom(cluster);
    *entry.mutable_last_updated() = stampOf(input);
  }
  return dump;
}

std::unique_ptr<Message> listenersDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::ListenersConfigDump>();
  for (const auto& listener : input.bootstrap->static_resources().listeners()) {
    if (!input.wants(listener.name())) continue;
    auto& entry = *dump->add_static_listeners();
    entry.mutable_listener()->PackFrom(listener);
    *entry.mutable_last_updated() = stampOf(input);
  }
  return dump;
}

std::unique_ptr<Message> scopedRoutesDump(const DumpInput&) {
  return std::make_unique<pb::ScopedRoutesConfigDump>();
}

void addRoutes(const FilterChain& chain, const DumpInput& input, pb::RoutesConfigDump& to) {
  for (const auto& filter : chain.filters()) {
    HttpConnectionManager manager;
    const auto& any = filter.typed_config();
    if (config::anyTypeName(any) != manager.GetDescriptor()->full_name()) continue;
    Report report;
    if (!config::unpackAny(any, manager, Where(report)) || !manager.has_route_config()) continue;
    if (!input.wants(manager.route_config().name())) continue;
    auto& entry = *to.add_static_route_configs();
    entry.mutable_route_config()->PackFrom(manager.route_config());
    *entry.mutable_last_updated() = stampOf(input);
  }
}

std::unique_ptr<Message> routesDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::RoutesConfigDump>();
  for (const auto& listener : input.bootstrap->static_resources().listeners()) {
    for (const FilterChain& chain : listener.filter_chains()) addRoutes(chain, input, *dump);
    addRoutes(listener.default_filter_chain(), input, *dump);
  }
  return dump;
}

std::unique_ptr<Message> secretsDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::SecretsConfigDump>();
  for (const auto& secret : input.bootstrap->static_resources().secrets()) {
    if (!input.wants(secret.name())) continue;
    auto& entry = *dump->add_static_secrets();
    entry.set_name(secret.name());
    entry.mutable_secret()->PackFrom(secret);
    *entry.mutable_last_updated() = stampOf(input);
  }
  return dump;
}

// What load balancing chooses from now: of a DNS cluster what was resolved.
envoy::config::endpoint::v3::ClusterLoadAssignment assignmentOf(const cluster::Cluster& cluster) {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(cluster.name());
  std::map<std::tuple<uint32_t, std::string, std::string, std::string>,
           envoy::config::endpoint::v3::LocalityLbEndpoints*>
      localities;
  for (const auto now = cluster.endpoints(); const cluster::EndpointPtr& endpoint : now->all) {
    auto*& locality =
        localities[{endpoint->priority, endpoint->region, endpoint->zone, endpoint->sub_zone}];
    if (locality == nullptr) {
      locality = assignment.add_endpoints();
      locality->set_priority(endpoint->priority);
      locality->mutable_locality()->set_region(endpoint->region);
      locality->mutable_locality()->set_zone(endpoint->zone);
      locality->mutable_locality()->set_sub_zone(endpoint->sub_zone);
    }
    auto& entry = *locality->add_lb_endpoints();
    writeAddress(endpoint->connectAddress(), *entry.mutable_endpoint()->mutable_address());
    entry.mutable_endpoint()->set_hostname(endpoint->hostname);
    entry.set_health_status(envoy::config::core::v3::HEALTHY);
    entry.mutable_load_balancing_weight()->set_value(endpoint->weight);
  }
  return assignment;
}

std::unique_ptr<Message> endpointsDump(const DumpInput& input) {
  auto dump = std::make_unique<pb::EndpointsConfigDump>();
  for (const cluster::ClusterPtr& cluster : *input.clusters) {
    if (!input.wants(cluster->name())) continue;
    auto& entry = *dump->add_static_endpoint_configs();
    entry.mutable_endpoint_config()->PackFrom(assignmentOf(*cluster));
  }
  return dump;
}

constexpr std::array kSections = {
    DumpSection{typeOf<pb::BootstrapConfigDump>, bootstrapDump, false},
    DumpSection{typeOf<pb::ClustersConfigDump>, clustersDump, false},
    DumpSection{typeOf<pb::EndpointsConfigDump>, endpointsDump, true},
    DumpSection{typeOf<pb::ListenersConfigDump>, listenersDump, false},
    DumpSection{typeOf<pb::ScopedRoutesConfigDump>, scopedRoutesDump, false},
    DumpSection{typeOf<pb::RoutesConfigDump>, routesDump, false},
    DumpSection{typeOf<pb::SecretsConfigDump>, secretsDump, false},
};

}  // namespace

std::span<const DumpSection> dumpSections() { return kSections; }

}  // namespace weir::admin
