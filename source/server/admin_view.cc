#include "source/server/admin_view.h"

#include <malloc.h>

#include <algorithm>
#include <map>

#include "source/server/version.h"

namespace weir::server {

AdminView::AdminView(Parts parts, Actions actions) : parts_(parts), actions_(std::move(actions)) {
  const StatScope scope = StatScope(parts_.stats).scope("server");
  uptime_ = scope.gauge("uptime");
  memory_allocated_ = scope.gauge("memory_allocated");
  memory_heap_size_ = scope.gauge("memory_heap_size");
  first_expiry_ = scope.gauge("days_until_first_cert_expiring");
  total_connections_ = scope.gauge("total_connections");
}

void AdminView::show(const envoy::config::bootstrap::v3::Bootstrap& bootstrap) {
  bootstrap_ = std::make_shared<const envoy::config::bootstrap::v3::Bootstrap>(bootstrap);
  configured_at_ = std::chrono::system_clock::now();
}

// Names that have no cluster have no place here.
admin::ClusterTable AdminView::clusters() const {
  auto table = parts_.config->clusters().table();
  std::erase(table, nullptr);
  return std::make_shared<const std::vector<cluster::ClusterPtr>>(std::move(table));
}

namespace {

admin::DynamicView& viewOf(const std::string& name,
                           std::map<std::string, admin::DynamicView>& all) {
  admin::DynamicView& view = all[name];
  view.name = name;
  return view;
}

// What was refused of a type, also where nothing was ever accepted of that name.
std::vector<admin::DynamicView> withRefusals(const xds::TypeState* said,
                                             std::map<std::string, admin::DynamicView> all) {
  if (said != nullptr) {
    for (const auto& [name, held] : said->held()) {
      if (held->refused == nullptr) continue;
      admin::DynamicView& view = viewOf(name, all);
      view.refused = held->refused;
      view.reason = held->reason;
      view.refused_at = held->refused_at;
    }
  }
  std::vector<admin::DynamicView> views;
  for (auto& [name, view] : all) views.push_back(std::move(view));
  return views;
}

using RoutesByState = std::map<const xds::TypeState*, std::map<std::string, admin::DynamicView>>;

void addRoutes(const live::Listeners::Version* version, RoutesByState& routes) {
  if (version == nullptr) return;
  for (const auto& [hcm, life] : version->routes) {
    if (life->said() == nullptr) continue;
    viewOf(life->name(), routes[life->said()]).active = life->said()->current(life->name());
  }
}

}  // namespace

admin::DynamicViews AdminView::dynamic() const {
  admin::DynamicViews views;
  std::map<std::string, admin::DynamicView> clusters, listeners;
  const live::Clusters& all_clusters = parts_.config->clusters();
  for (const auto& [name, entry] : all_clusters.entries()) {
    if (!entry.dynamic) continue;
    admin::DynamicView& view = viewOf(name, clusters);
    view.active = entry.resource;
    view.warming = entry.warming_resource;
    view.updated = entry.updated;
  }
  RoutesByState routes;
  const live::Listeners& all_listeners = parts_.config->listeners();
  for (const auto& [name, entry] : all_listeners.entries()) {
    addRoutes(entry.active.get(), routes);
    addRoutes(entry.warming.get(), routes);
    if (!entry.dynamic) continue;
    admin::DynamicView& view = viewOf(name, listeners);
    if (entry.active != nullptr) {
      view.active = entry.active->resource;
      view.updated = entry.active->updated;
    }
    if (entry.warming != nullptr) view.warming = entry.warming->resource;
  }
  views.clusters = withRefusals(all_clusters.said(), std::move(clusters));
  views.listeners = withRefusals(all_listeners.said(), std::move(listeners));
  for (auto& [said, of_it] : routes) {
    for (auto& view : withRefusals(said, std::move(of_it))) views.routes.push_back(std::move(view));
  }
  if (all_clusters.said() != nullptr) views.clusters_version = all_clusters.said()->version();
  if (all_listeners.said() != nullptr) views.listeners_version = all_listeners.said()->version();
  return views;
}

std::vector<admin::ListenerView> AdminView::listeners() const {
  std::vector<admin::ListenerView> views;
  for (const auto& [name, entry] : parts_.config->listeners().entries()) {
    for (const net::Address& address : entry.addresses) views.push_back({name, address});
  }
  return views;
}

std::vector<admin::Unready> AdminView::unready() const {
  std::vector<admin::Unready> all;
  for (const auto& [name, entry] : parts_.config->clusters().entries()) {
    if (entry.warming == nullptr) continue;
    all.push_back({"Cluster " + name, {std::string(entry.warming->waitsFor())}});
  }
  for (const auto& [name, entry] : parts_.config->listeners().entries()) {
    const live::Listeners::Version* version =
        entry.warming != nullptr ? entry.warming.get() : entry.active.get();
    admin::Unready unready{"Listener " + name, {}};
    for (const auto& [hcm, life] : version->routes) {
      if (!life->warm()) unready.targets.push_back("rds " + life->name());
    }
    if (!unready.targets.empty()) all.push_back(std::move(unready));
  }
  return all;
}

std::string AdminView::version() const {
  return std::string("0/") + kVersion + "/Clean/RELEASE/OpenSSL";
}

std::chrono::seconds AdminView::uptime() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                          started_);
}

envoy::admin::v3::CommandLineOptions AdminView::commandLine() const {
  const Options& o = parts_.options;
  envoy::admin::v3::CommandLineOptions line;
  line.set_concurrency(o.concurrency);
  line.set_config_path(o.config_path);
  line.set_config_yaml(o.config_yaml);
  line.set_allow_unknown_static_fields(o.allow_unknown_static_fields);
  line.set_admin_address_path(o.admin_address_path);
  line.set_log_level(o.log_level);
  line.set_component_log_level(o.component_log_level);
  line.set_log_format(o.log_format);
  line.set_log_path(o.log_path);
  line.set_service_cluster(o.service_cluster);
  line.set_service_node(o.service_node);
  line.set_service_zone(o.service_zone);
  line.mutable_drain_time()->set_seconds(o.drain_time.count());
  line.set_disable_hot_restart(true);
  return line;
}

void AdminView::refreshStats() {
  uptime_.set(static_cast<uint64_t>(uptime().count()));
  const struct mallinfo2 memory = mallinfo2();
  memory_allocated_.set(memory.uordblks);
  memory_heap_size_.set(memory.arena + memory.hblkhd);
  first_expiry_.set(parts_.tls.daysUntilFirstExpiry());
  total_connections_.set(connections());
}

uint64_t AdminView::sumOverListeners(std::string_view stat) const {
  for (const auto& [name, entry] : parts_.config->listeners().entries()) {
    if (entry.active != nullptr) listener_names_.insert(entry.active->plan->stat_name);
  }
  uint64_t sum = 0;
  for (const std::string& listener : listener_names_) {
    const std::string name = "listener." + listener + "." + std::string(stat);
    sum += parts_.stats.value(name).value_or(0);
  }
  return sum;
}

uint64_t AdminView::connections() const { return sumOverListeners("downstream_cx_active"); }

uint64_t AdminView::closedConnections() const { return sumOverListeners("downstream_cx_destroy"); }

// By time, over all workers.
std::vector<std::string> AdminView::decisions(size_t most) const {
  std::vector<telemetry::DecisionRecord> records;
  for (const auto& worker : parts_.workers) {
    for (auto& record : worker->decisions(most)) records.push_back(record);
  }
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.wallMicros() > b.wallMicros(); });
  records.resize(std::min(most, records.size()));
  std::vector<std::string> objects;
  for (const auto& record : records) record.appendJson(objects.emplace_back());
  return objects;
}

std::vector<admin::TlsView> AdminView::certificates() const {
  std::vector<admin::TlsView> views;
  for (const auto& tls : parts_.tls.all()) {
    admin::TlsView& view = views.emplace_back();
    if (const transport::PeerCheck* peer = tls->current().peer()) {
      for (const auto& facts : peer->authorityFacts()) {
        view.authorities.push_back({peer->rules().authorities_path, facts});
      }
    }
    for (const auto& identity : tls->current().identities()) {
      view.chain.push_back({identity->path, identity->facts});
      for (const auto& facts : identity->chain_facts) view.chain.push_back({identity->path, facts});
    }
  }
  return views;
}

admin::RuntimeValues AdminView::runtimeOverrides() const {
  const auto overrides = parts_.runtime.overrides();
  return {overrides.begin(), overrides.end()};
}

std::optional<Error> AdminView::modifyRuntime(const admin::RuntimeValues& values) {
  return parts_.runtime.modify(values);
}

void AdminView::failHealthChecks(bool fail) {
  for (const auto& worker : parts_.workers) worker->setHealthCheckFailed(fail);
}

}  // namespace weir::server
