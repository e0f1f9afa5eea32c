#include "source/server/configuration.h"

#include <set>
#include <vector>

#include "source/config/any.h"
#include "source/server/listener_builder.h"
#include "source/server/load_report_builder.h"
#include "source/server/overload_builder.h"
#include "source/transport/tls/secrets.h"

namespace weir::server {
namespace {

using Bootstrap = Configuration::Bootstrap;

std::shared_ptr<const transport::Secrets> readSecrets(const Bootstrap& bootstrap,
                                                      xds::Sources& sources, const Where& at) {
  auto secrets = std::make_shared<transport::Secrets>(
      [&sources](const envoy::config::core::v3::ConfigSource& source, const Where& where) {
        sources.find(source, xds::ResourceType::Secret, where);
      });
  const auto& named = bootstrap.static_resources().secrets();
  for (int i = 0; i < named.size(); ++i) secrets->add(named[i], at.index(static_cast<size_t>(i)));
  return secrets;
}

xds::ResourceType typeOf(stream::Fetched what) {
  switch (what) {
    case stream::Fetched::Scopes:
      return xds::ResourceType::ScopedRoutes;
    case stream::Fetched::Filters:
      return xds::ResourceType::Extension;
    case stream::Fetched::Routes:
      break;
  }
  return xds::ResourceType::Routes;
}

// As in Envoy: control planes tell their clients apart by these.
void checkNode(const Bootstrap& bootstrap, const Where& at) {
  const auto& dynamic = bootstrap.dynamic_resources();
  if (!dynamic.has_ads_config() && !dynamic.has_cds_config() && !dynamic.has_lds_config()) return;
  if (bootstrap.node().id().empty()) {
    at.field("id").error("control planes need it: give node.id or --service-node");
  }
  if (bootstrap.node().cluster().empty()) {
    at.field("cluster").error("control planes need it: give node.cluster or --service-cluster");
  }
}

}  // namespace

Configuration::Configuration(const Parts& parts, const Bootstrap& bootstrap, Report& report,
                             const Callbacks& callbacks)
    : parts_(parts),
      sources_({parts.loop, parts.services, StatScope(parts.stats),
                [&stats = parts.stats](std::string name) {
                  stats.setText("control_plane.identifier", std::move(name));
                },
                parts.state}),
      log_sinks_(StatScope(parts.stats), bootstrap.node(), parts.workers),
      resolvers_(parts.loop) {
  const Where at = Where(report).field("static_resources");
  consul_ =
      Consul::read(bootstrap, Where(report), {parts.services, StatScope(parts.stats), parts.state});
  readSources(bootstrap, Where(report));
  runtime_.emplace(live::RuntimeLayers::Parts{parts.loop, sources_, parts.runtime,
                                              StatScope(parts.stats), callbacks.runtime_progress},
                   bootstrap.layered_runtime(), bootstrap.node().cluster(),
                   Where(report).field("layered_runtime"));
  const auto secrets = readSecrets(bootstrap, sources_, at.field("secrets"));
  const live::SecretLife::Parts fetching{parts.loop, sources_, StatScope(parts.stats),
                                         callbacks.secrets_given};
  clusters_.emplace(live::ClusterLife::Parts{parts.loop, resolvers_, sources_, fetching,
                                             consul_ == nullptr ? nullptr : &consul_->services()},
                    StatScope(parts.stats), secrets,
                    parts.runtime.key(live::RetainedClusters::kRuntimeKey),
                    clusterCallbacks(callbacks.clusters));
  const auto& clusters = bootstrap.static_resources().clusters();
  for (int i = 0; i < clusters.size(); ++i) {
    clusters_->add(clusters[i], at.field("clusters").index(static_cast<size_t>(i)));
  }
  makeContext(bootstrap, secrets);
  makeListeners(bootstrap, Where(report), fetching, callbacks.listeners);
  checkControlPlanes(Where(report));
  load_reporter_ = buildLoadReporter(bootstrap, Where(report), *clusters_, parts.services,
                                     StatScope(parts.stats));
}

Configuration::~Configuration() = default;

void Configuration::readSources(const Bootstrap& bootstrap, const Where& at) {
  checkNode(bootstrap, at.field("node"));
  sources_.setNode(bootstrap.node());
  if (consul_ != nullptr && consul_->source() != nullptr) sources_.setSelf(*consul_->source());
  const auto& dynamic = bootstrap.dynamic_resources();
  const Where here = at.field("dynamic_resources");
  if (dynamic.has_ads_config()) sources_.setAds(dynamic.ads_config(), here.field("ads_config"));
  if (dynamic.has_cds_config()) {
    sources_.find(dynamic.cds_config(), xds::ResourceType::Cluster, here.field("cds_config"));
  }
  if (dynamic.has_lds_config()) {
    sources_.find(dynamic.lds_config(), xds::ResourceType::Listener, here.field("lds_config"));
  }
}

// A control plane that is reached through what itself must send first is never reached.
void Configuration::checkControlPlanes(const Where& at) const {
  const auto check = [this](std::string_view who, const std::string& name, const Where& here) {
    const std::string words = std::string(who) + " reached through cluster '" + name + "', which ";
    if (!clusters_->exists(name)) {
      here.error(words + "static_resources.clusters does not have");
    } else if (needsItself(name)) {
      here.error(words + "waits for endpoints or secrets that come only from there");
    }
  };
  for (const std::string& name : sources_.clusters()) {
    check("control planes are", name, at.field("dynamic_resources"));
  }
  if (consul_ != nullptr) {
    check("Consul is", consul_->agent().settings().cluster,
          at.field("bootstrap_extensions")
              .index(consul_->settings().index)
              .field("typed_config")
              .field("agent_cluster"));
  }
}

// Nobody asks Consul before there is a way to it.
live::Clusters::Callbacks Configuration::clusterCallbacks(live::Clusters::Callbacks callbacks) {
  if (consul_ == nullptr) return callbacks;
  callbacks.set = [this, set = std::move(callbacks.set)](uint32_t slot,
                                                         cluster::ClusterPtr cluster) {
    const bool reaches =
        cluster != nullptr && cluster->name() == consul_->agent().settings().cluster;
    set(slot, std::move(cluster));
    if (reaches) consul_->agent().begin();
  };
  return callbacks;
}

void Configuration::start() {
  clusters_->start();
  runtime_->start();
  listeners_->start();
  if (load_reporter_ != nullptr) load_reporter_->start();
  if (consul_ != nullptr) consul_->start();
}

namespace {

envoy::config::core::v3::ConfigSource self() {
  envoy::config::core::v3::ConfigSource source;
  source.mutable_self();
  return source;
}

}  // namespace

void Configuration::followClusters(const Bootstrap& bootstrap) {
  Report report;  // of what was checked when it was loaded
  const auto& dynamic = bootstrap.dynamic_resources();
  if (dynamic.has_cds_config()) clusters_->follow(dynamic.cds_config(), Where(report));
  if (consul_ != nullptr && consul_->source() != nullptr) clusters_->follow(self(), Where(report));
}

void Configuration::followListeners(const Bootstrap& bootstrap) {
  Report report;
  const auto& dynamic = bootstrap.dynamic_resources();
  if (dynamic.has_lds_config()) listeners_->follow(dynamic.lds_config(), Where(report));
  if (consul_ != nullptr && consul_->settings().keys) listeners_->follow(self(), Where(report));
}

OnDemand Configuration::onDemand() {
  if (consul_ == nullptr || consul_->catalog() == nullptr) return {};
  return [catalog = consul_->catalog()](const std::string& name) { return catalog->use(name); };
}

std::vector<std::string> Configuration::staleness() const {
  std::vector<std::string> all = sources_.staleness();
  if (consul_ == nullptr) return all;
  if (std::string text = consul_->agent().staleness(); !text.empty()) all.push_back(text);
  return all;
}

bool Configuration::needsItself(const std::string& cluster) const {
  std::set<std::string> seen;
  std::vector<std::string> open{cluster};
  while (!open.empty()) {
    const auto entry = clusters_->entries().find(open.back());
    open.pop_back();
    if (entry == clusters_->entries().end() || entry->second.warming == nullptr) continue;
    for (const std::string& needed : entry->second.warming->needs()) {
      if (needed == cluster) return true;
      if (seen.insert(needed).second) open.push_back(needed);
    }
  }
  return false;
}

void Configuration::makeContext(const Bootstrap& bootstrap,
                                std::shared_ptr<const transport::Secrets> secrets) {
  // With a control plane a name may get its cluster later.
  const bool more_may_come = bootstrap.dynamic_resources().has_cds_config() ||
                             (consul_ != nullptr && consul_->source() != nullptr);
  context_.emplace(stream::BuildContext{
      .registry = parts_.registry,
      .stats = StatScope(parts_.stats),
      .logs = parts_.logs,
      .unpack = [](const google::protobuf::Any& any, google::protobuf::Message& into,
                   const Where& where) { return config::unpackAny(any, into, where); },
      .type_of = [](const google::protobuf::Any& any) { return config::anyTypeName(any); },
      .cluster_slot =
          [this, more_may_come](std::string_view name) {
            return more_may_come || clusters_->exists(name) ? clusters_->slotOf(name)
                                                            : cluster::kNoSlot;
          },
      .cluster_is_there = [this](std::string_view name) { return clusters_->exists(name); },
      .named_cluster =
          [this, more_may_come](std::string_view name) {
            return more_may_come ? clusters_->named(name) : nullptr;
          },
      .check_source = [this](const envoy::config::core::v3::ConfigSource& source,
                             stream::Fetched what,
                             const Where& where) { sources_.find(source, typeOf(what), where); },
      .runtime = [&runtime = parts_.runtime](std::string_view key) { return runtime.key(key); },
      .proxy = {.server_name = "weir",
                .address = "127.0.0.1",
                .service_cluster = bootstrap.node().cluster(),
                .service_node = bootstrap.node().id()},
      .log_sinks = &log_sinks_,
      .secrets = std::move(secrets),
      .workers = parts_.workers,
  });
}

void Configuration::makeListeners(const Bootstrap& bootstrap, const Where& at,
                                  const live::SecretLife::Parts& secrets,
                                  live::Listeners::Callbacks callbacks) {
  OverloadSettings overload = buildOverload(bootstrap, at, *context_);
  overload_ = std::move(overload.plan);
  listeners_.emplace(
      live::ListenerVersion::Parts{{parts_.loop, sources_, *context_, clusters_->coming()},
                                   secrets},
      StatScope(parts_.stats),
      [this, limit = overload.connections](const live::ListenerProto& proto, const Where& where,
                                           const live::Listeners::KnownChains& known) {
        return buildListener(proto, where, *context_, limit, known);
      },
      parts_.workers, std::move(callbacks));
  const auto& listeners = bootstrap.static_resources().listeners();
  const Where here = at.field("static_resources").field("listeners");
  for (int i = 0; i < listeners.size(); ++i) {
    listeners_->add(listeners[i], here.index(static_cast<size_t>(i)));
  }
}

}  // namespace weir::server
