#include "source/server/snapshot.h"

#include <map>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/any.h"
#include "source/server/connection_limit_builder.h"
#include "source/server/listener_builder.h"
#include "source/stream/hcm_builder.h"

namespace weir::server {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;

// Slots are given in the order of the configuration.
std::map<std::string, uint32_t, std::less<>> buildClusters(const Bootstrap& bootstrap,
                                                           const Where& at, StatStore& stats,
                                                           Snapshot& snapshot) {
  std::map<std::string, uint32_t, std::less<>> slots;
  auto table = std::make_shared<std::vector<cluster::ClusterPtr>>();
  const auto& protos = bootstrap.static_resources().clusters();
  for (int i = 0; i < protos.size(); ++i) {
    const Where here = at.field("clusters").index(static_cast<size_t>(i));
    auto plan = cluster::planCluster(protos[i], here);
    const auto slot = static_cast<uint32_t>(table->size());
    if (!protos[i].name().empty() && !slots.emplace(protos[i].name(), slot).second) {
      here.field("name").error("a cluster named '" + protos[i].name() + "' stands above already");
      continue;
    }
    if (!plan) plan.emplace();
    const std::string& stat_name = plan->settings.stat_name;
    table->push_back(std::make_shared<cluster::Cluster>(
        slot, plan->settings,
        StatScope(stats).scope("cluster").tagged(stat_name, "envoy_cluster_name")));
    snapshot.cluster_plans.push_back(*std::move(plan));
  }
  snapshot.clusters = std::move(table);
  return slots;
}

}  // namespace

Snapshot buildSnapshot(const Bootstrap& bootstrap, Report& report, const FilterRegistry& registry,
                       StatStore& stats, telemetry::LogThread& logs, const Runtime& runtime,
                       uint32_t workers) {
  Snapshot snapshot;
  const Where at = Where(report).field("static_resources");
  const auto slots = buildClusters(bootstrap, at, stats, snapshot);
  const stream::BuildContext context{
      .registry = registry,
      .stats = StatScope(stats),
      .logs = logs,
      .unpack = [](const google::protobuf::Any& any, google::protobuf::Message& into,
                   const Where& where) { return config::unpackAny(any, into, where); },
      .type_of = [](const google::protobuf::Any& any) { return config::anyTypeName(any); },
      .cluster_slot =
          [&slots](std::string_view name) {
            const auto found = slots.find(name);
            return found == slots.end() ? cluster::kNoSlot : found->second;
          },
      .runtime = [&runtime](std::string_view key) { return runtime.number(key); },
      .proxy = {.server_name = "weir",
                .address = "127.0.0.1",
                .service_cluster = bootstrap.node().cluster(),
                .service_node = bootstrap.node().id()},
      .workers = workers,
  };
  const auto global = buildConnectionLimit(bootstrap, Where(report), context);
  const auto& protos = bootstrap.static_resources().listeners();
  for (int i = 0; i < protos.size(); ++i) {
    auto plan = buildListener(protos[i], at.field("listeners").index(static_cast<size_t>(i)),
                              context, global);
    if (plan != nullptr) snapshot.listeners.push_back(std::move(plan));
  }
  return snapshot;
}

}  // namespace weir::server
