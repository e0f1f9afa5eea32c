#include "source/server/load_report_builder.h"

#include <algorithm>
#include <utility>

#include "source/rpc/grpc_stream.h"
#include "source/telemetry/stat_cells.h"

namespace weir::server {
namespace {

using envoy::config::core::v3::ApiConfigSource;
using load_reports::LoadReporter;
using load_reports::Reported;

std::vector<Reported> clustersIn(const live::Clusters& clusters) {
  std::vector<Reported> reported;
  for (const auto& [name, entry] : clusters.entries()) {
    if (entry.active == nullptr) continue;
    const cluster::ClusterPtr& cluster = entry.active->cluster();
    reported.push_back({cluster, cluster->settings().eds_service_name});
  }
  return reported;
}

// A cluster that nobody used has no statistics, and gets none by being asked.
uint64_t droppedBy(const cluster::Cluster& cluster) {
  const auto set = cluster.endpoints();
  const auto used = [](const cluster::EndpointPtr& endpoint) {
    return endpoint->counts.cx_total.load(std::memory_order_relaxed) != 0;
  };
  if (std::none_of(set->all.begin(), set->all.end(), used)) return 0;
  return telemetry::sumCell(cluster.stats().rq_pending_overflow.cell());
}

}  // namespace

std::unique_ptr<LoadReporter> buildLoadReporter(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, const Where& at,
    const live::Clusters& clusters, stream::Services& services, const StatScope& root) {
  if (!bootstrap.cluster_manager().has_load_stats_config()) return nullptr;
  const ApiConfigSource& proto = bootstrap.cluster_manager().load_stats_config();
  const Where here = at.field("cluster_manager").field("load_stats_config");
  if (proto.api_type() != ApiConfigSource::GRPC || proto.grpc_services().empty()) {
    here.error("expected api_type GRPC, and the service in grpc_services");
    return nullptr;
  }
  const auto& service = proto.grpc_services(0);
  const Where place = here.field("grpc_services").index(0);
  const auto target = rpc::readTarget(service, place);
  if (!target) return nullptr;
  if (!clusters.exists(target->cluster)) {
    place.field("envoy_grpc")
        .field("cluster_name")
        .error("there is no cluster '" + target->cluster + "' in static_resources.clusters");
    return nullptr;
  }
  LoadReporter::Settings settings;
  settings.node = bootstrap.node();
  settings.back_off = rpc::readBackOff(service.envoy_grpc().retry_policy());
  settings.random = [&services] { return services.random.next(); };
  settings.clusters = [&clusters] { return clustersIn(clusters); };
  settings.dropped = droppedBy;
  settings.scope = root.scope("load_reporter");
  return std::make_unique<LoadReporter>(
      services.loop, std::move(settings),
      [&services, target = *target](std::string_view method, rpc::MessageStreamUser& user) {
        return std::make_unique<rpc::GrpcStream>(services, target, method, user);
      });
}

}  // namespace weir::server
