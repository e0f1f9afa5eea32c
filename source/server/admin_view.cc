#include "source/server/admin_view.h"

#include <malloc.h>

#include <algorithm>
#include <map>

#include "source/live/scopes_life.h"
#include "source/server/version.h"

namespace weir::server {

AdminView::AdminView(Parts parts, Actions actions) : parts_(parts), actions_(std::move(actions)) {
  const StatScope scope = StatScope(parts_.stats).scope("server");
  uptime_ = scope.gauge("uptime");
  memory_allocated_ = scope.gauge("memory_allocated");
  memory_heap_size_ = scope.gauge("memory_heap_size");
  first_expiry_ = scope.gauge("days_until_first_cert_expiring");
  total_connections_ = scope.gauge("total_connections");
  stale_ = StatScope(parts_.stats).scope("control_plane").gauge("saved_state_in_use");
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

std::map<std::string, admin::DiscoveryView> AdminView::discovery() const {
  std::map<std::string, admin::DiscoveryView> views;
  for (const auto& [name, entry] : parts_.config->clusters().entries()) {
    const auto* const consul = entry.active == nullptr ? nullptr : entry.active->consul();
    if (consul == nullptr) continue;
    admin::DiscoveryView& view = views[name];
    view.age = consul->age();
    const consul::Trouble* const trouble = consul->trouble();
    if (trouble != nullptr) {
      view.trouble = std::string(nameOf(trouble->reason)) + ": " + trouble->detail;
    }
  }
  return views;
}

namespace {

admin::DynamicView& viewOf(const std::string& name,
                           std::map<std::string, admin::DynamicView>& all) {
  admin::DynamicView& view = all[name];
  view.name = name;
  return view;
}

// What was refused of a type, also where nothing was ever accepted of that name. Null: nothing.
void addRefusals(const xds::TypeState* said, std::map<std::string, admin::DynamicView>& all) {
  if (said == nullptr) return;
  for (const auto& [name, held] : said->held()) {
    if (held->refused == nullptr) continue;
    admin::DynamicView& view = viewOf(name, all);
    view.refused = held->refused;
    view.reason = held->reason;
    view.refused_at = held->refused_at;
  }
}

std::vector<admin::DynamicView> withRefusals(std::vector<const xds::TypeState*> said,
                                             std::map<std::string, admin::DynamicView> all) {
  for (const xds::TypeState* state : said) addRefusals(state, all);
  std::vector<admin::DynamicView> views;
  for (auto& [name, view] : all) views.push_back(std::move(view));
  return views;
}

// Of the first that has one: a control plane.
std::string versionOf(const std::vector<const xds::TypeState*>& said) {
  for (const xds::TypeState* state : said) {
    if (!state->version().empty()) return state->version();
  }
  return {};
}

using ViewsByState = std::map<const xds::TypeState*, std::map<std::string, admin::DynamicView>>;

void addSecrets(const live::SecretLife* life, ViewsByState& secrets) {
  if (life == nullptr) return;
  life->describe([&](const std::string& name, const xds::TypeState* said) {
    admin::DynamicView& view = viewOf(name, secrets[said]);
    if (said != nullptr) view.active = said->current(name);
  });
}

admin::ScopesView viewOf(const live::ScopesLife& life) {
  admin::ScopesView view;
  view.name = life.spec().name;
  view.updated = life.updated();
  view.dynamic = life.spec().scopes.has_value();
  if (!view.dynamic) {
    for (const auto& scope : life.spec().list) view.scopes.emplace_back().PackFrom(scope);
  } else if (life.said() != nullptr) {
    view.version = life.said()->version();
    for (const auto& [name, entry] : life.entries()) view.scopes.push_back(entry.resource->body);
    view.refused = withRefusals({life.said()}, {});
  }
  return view;
}

// With the virtual hosts that were added to it, as it is in force.
xds::ResourcePtr shownOf(const live::RouteSubscription& routes) {
  xds::ResourcePtr sent = routes.said()->current(routes.name());
  const auto merged = routes.merged();
  if (sent == nullptr || merged == nullptr) return sent;
  auto shown = std::make_shared<xds::Resource>(*sent);
  shown->body.PackFrom(*merged);
  return shown;
}

// What the parts of listeners' versions were given, by source.
struct PartViews {
  ViewsByState filters, routes, secrets;
  std::vector<admin::ScopesView> scopes;
};

void addParts(const live::Listeners::Version* version, PartViews& views) {
  if (version == nullptr) return;
  for (const auto& [tls, life] : version->secrets) addSecrets(life.get(), views.secrets);
  for (const auto& [hcm, life] : version->routes) {
    if (const live::ScopesLife* scoped = life->scopes()) views.scopes.push_back(viewOf(*scoped));
    for (const live::RouteSubscription* one : life->subscriptions()) {
      if (one->said() == nullptr) continue;
      viewOf(one->name(), views.routes[one->said()]).active = shownOf(*one);
    }
  }
  for (const auto& [hcm, life] : version->filters) {
    for (const auto& [name, said] : life->said()) {
      viewOf(name, views.filters[said]).active = said->current(name);
    }
  }
}

std::vector<admin::DynamicView> allOf(ViewsByState by_state) {
  std::vector<admin::DynamicView> all;
  for (auto& [said, of_it] : by_state) {
    for (auto& view : withRefusals({said}, std::move(of_it))) all.push_back(std::move(view));
  }
  return all;
}

}  // namespace

admin::DynamicViews AdminView::dynamic() const {
  admin::DynamicViews views;
  std::map<std::string, admin::DynamicView> clusters, listeners;
  PartViews parts;
  const live::Clusters& all_clusters = parts_.config->clusters();
  for (const auto& [name, entry] : all_clusters.entries()) {
    for (const live::ClusterLife* life : {entry.active.get(), entry.warming.get()}) {
      if (life != nullptr) addSecrets(life->secrets(), parts.secrets);
    }
    if (entry.feed == nullptr) continue;
    admin::DynamicView& view = viewOf(name, clusters);
    view.active = entry.resource;
    view.warming = entry.warming_resource;
    view.updated = entry.updated;
  }
  const live::Listeners& all_listeners = parts_.config->listeners();
  for (const auto& [name, entry] : all_listeners.entries()) {
    addParts(entry.active.get(), parts);
    addParts(entry.warming.get(), parts);
    if (entry.feed == nullptr) continue;
    admin::DynamicView& view = viewOf(name, listeners);
    if (entry.active != nullptr) {
      view.active = entry.active->resource;
      view.updated = entry.active->updated;
    }
    if (entry.warming != nullptr) view.warming = entry.warming->resource;
  }
  views.clusters = withRefusals(all_clusters.said(), std::move(clusters));
  views.listeners = withRefusals(all_listeners.said(), std::move(listeners));
  views.filters = allOf(std::move(parts.filters));
  views.routes = allOf(std::move(parts.routes));
  views.secrets = allOf(std::move(parts.secrets));
  views.scopes = std::move(parts.scopes);
  views.clusters_version = versionOf(all_clusters.said());
  views.listeners_version = versionOf(all_listeners.said());
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
  if (!parts_.config->clusters().answered()) all.push_back({"Control plane", {"cds"}});
  if (!parts_.config->listeners().answered()) all.push_back({"Control plane", {"lds"}});
  for (const std::string& layer : parts_.config->runtime().waitsFor()) {
    all.push_back({"Control plane", {"rtds " + layer}});
  }
  for (const auto& [name, entry] : parts_.config->clusters().entries()) {
    if (entry.warming == nullptr) continue;
    all.push_back({"Cluster " + name, {std::string(entry.warming->waitsFor())}});
  }
  for (const auto& [name, entry] : parts_.config->listeners().entries()) {
    const live::Listeners::Version* version =
        entry.warming != nullptr ? entry.warming.get() : entry.active.get();
    admin::Unready unready{"Listener " + name, {}};
    for (const auto& [hcm, life] : version->routes) {
      for (std::string& target : life->waitsFor()) unready.targets.push_back(std::move(target));
    }
    for (const auto& [tls, life] : version->secrets) {
      if (!life->warm()) unready.targets.emplace_back("sds");
    }
    for (const auto& [hcm, life] : version->filters) {
      for (const std::string& filter : life->waitsFor())
        unready.targets.push_back("ecds " + filter);
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
  stale_.set(staleness().size());
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
    const transport::TlsContext* context = tls->current();
    if (context == nullptr) continue;
    admin::TlsView& view = views.emplace_back();
    if (const transport::PeerCheck* peer = context->peer()) {
      for (const auto& facts : peer->authorityFacts()) {
        view.authorities.push_back({peer->rules().authorities_path, facts});
      }
    }
    for (const auto& identity : context->identities()) {
      view.chain.push_back({identity->path, identity->facts});
      for (const auto& facts : identity->chain_facts) view.chain.push_back({identity->path, facts});
    }
  }
  return views;
}

std::vector<admin::RuntimeLayerView> AdminView::runtime() const {
  std::vector<admin::RuntimeLayerView> views;
  for (const runtime::Runtime::Layer& layer : parts_.runtime.layers()) {
    admin::RuntimeLayerView& view = views.emplace_back(admin::RuntimeLayerView{layer.name, {}});
    for (const auto& [key, value] : layer.values) view.values[key] = value.text;
  }
  return views;
}

std::optional<Error> AdminView::modifyRuntime(const admin::RuntimeValues& values) {
  return parts_.runtime.modify(values);
}

void AdminView::failHealthChecks(bool fail) {
  for (const auto& worker : parts_.workers) worker->setHealthCheckFailed(fail);
}

}  // namespace weir::server
