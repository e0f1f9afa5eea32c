#include "source/server/snapshot.h"

#include <map>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/any.h"
#include "source/server/listener_builder.h"
#include "source/server/overload_builder.h"
#include "source/stream/hcm_builder.h"
#include "source/transport/tls/secrets.h"

namespace weir::server {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;

// Slots are given in the order of the configuration.
std::map<std::string, uint32_t, std::less<>> buildClusters(
    const Bootstrap& bootstrap, const Where& at, StatStore& stats,
    const std::shared_ptr<const transport::Secrets>& secrets, Snapshot& snapshot) {
  std::map<std::string, uint32_t, std::less<>> slots;
  auto table = std::make_shared<std::vector<cluster::ClusterPtr>>();
  const auto& protos = bootstrap.static_resources().clusters();
  for (int i = 0; i < protos.size(); ++i) {
    const Where here = at.field("clusters").index(static_cast<size_t>(i));
    const std::string& stat_name =
        protos[i].alt_stat_name().empty() ? protos[i].name() : protos[i].alt_stat_name();
    const StatScope scope =
        StatScope(stats).scope("cluster").tagged(stat_name, "envoy_cluster_name");
    auto plan = cluster::planCluster(protos[i], here, {secrets, scope});
    const auto slot = static_cast<uint32_t>(table->size());
    if (!protos[i].name().empty() && !slots.emplace(protos[i].name(), slot).second) {
      here.field("name").error("a cluster named '" + protos[i].name() + "' stands above already");
      continue;
    }
    if (!plan) plan.emplace();
    table->push_back(std::make_shared<cluster::Cluster>(slot, plan->settings, scope));
    snapshot.cluster_plans.push_back(*std::move(plan));
  }
  snapshot.clusters = std::move(table);
  return slots;
}

}  // namespace

std::vector<std::shared_ptr<transport::ReloadableTls>> Snapshot::tls() const {
  std::vector<std::shared_ptr<transport::ReloadableTls>> all;
  for (const auto& listener : listeners) {
    for (const auto& chain : listener->chains) {
      if (chain->tls != nullptr) all.push_back(chain->tls);
    }
  }
  for (const auto& cluster : *clusters) {
    if (cluster->settings().tls != nullptr) all.push_back(cluster->settings().tls);
  }
  return all;
}

Snapshot buildSnapshot(const Bootstrap& bootstrap, Report& report, const FilterRegistry& registry,
                       StatStore& stats, telemetry::LogThread& logs, const Runtime& runtime,
                       uint32_t workers) {
  Snapshot snapshot;
  const Where at = Where(report).field("static_resources");
  auto secrets = std::make_shared<transport::Secrets>();
  const auto& named = bootstrap.static_resources().secrets();
  for (int i = 0; i < named.size(); ++i) {
    secrets->add(named[i], at.field("secrets").index(static_cast<size_t>(i)));
  }
  const auto slots = buildClusters(bootstrap, at, stats, secrets, snapshot);
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
      .secrets = secrets,
      .workers = workers,
  };
  OverloadSettings overload = buildOverload(bootstrap, Where(report), context);
  snapshot.overload = std::move(overload.plan);
  const auto& protos = bootstrap.static_resources().listeners();
  for (int i = 0; i < protos.size(); ++i) {
    auto plan = buildListener(protos[i], at.field("listeners").index(static_cast<size_t>(i)),
                              context, overload.connections);
    if (plan != nullptr) snapshot.listeners.push_back(std::move(plan));
  }
  return snapshot;
}

}  // namespace weir::server
