#include "source/live/clusters.h"

#include <algorithm>

#include "source/cluster/same_connections.h"
#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {
namespace {

// Servers of gRPC take a client that asks more often for an attacker.
constexpr std::chrono::seconds kKeepAlive{30}, kKeepAliveTimeout{5};
constexpr uint32_t kWindow = 16 << 20;

// What the configuration leaves to us. A control plane that is gone without a word would not be
// missed otherwise, as nothing is sent to it for hours; and a message of megabytes would come in
// pieces of 64 KB, each waiting for the one before.
void suitControlPlane(http2::Options& options) {
  if (options.keepalive.timeout.count() == 0) {
    options.keepalive.interval = kKeepAlive;
    options.keepalive.timeout = kKeepAliveTimeout;
  }
  const codec::Http2Options usual = http2::defaultOptions(http2::Role::Client).codec;
  const auto widen = [](uint32_t& window, uint32_t usual_one) {
    if (window == usual_one) window = std::max(window, kWindow);
  };
  widen(options.codec.initial_stream_window, usual.initial_stream_window);
  widen(options.codec.initial_connection_window, usual.initial_connection_window);
}

}  // namespace

Clusters::Clusters(const ClusterLife::Parts& parts, StatScope root,
                   std::shared_ptr<const transport::Secrets> secrets, RuntimeKey retain,
                   Callbacks callbacks)
    : parts_(parts),
      root_(std::move(root)),
      secrets_(std::move(secrets)),
      callbacks_(std::move(callbacks)),
      feeds_({.update =
                  [this](const Feed& from, const xds::Update& update,
                         std::vector<xds::Refusal>& refusals) { onUpdate(from, update, refusals); },
              .timeout = [this] { callbacks_.progress(); }}),
      retained_(parts.loop, root_.scope("cluster_manager").gauge("retained_clusters"),
                std::move(retain),
                {.drop = [this](uint32_t slot) { callbacks_.set(slot, nullptr); },
                 .is_succeeded = [this](const std::string& name) { return exists(name); }}) {
  const StatScope scope = root_.scope("cluster_manager");
  added_ = scope.counter("cluster_added");
  modified_ = scope.counter("cluster_modified");
  removed_ = scope.counter("cluster_removed");
  active_ = scope.gauge("active_clusters");
  warming_ = scope.gauge("warming_clusters");
}

Clusters::~Clusters() = default;

StatScope Clusters::scopeOf(const ClusterProto& proto) const {
  const std::string& name = proto.alt_stat_name().empty() ? proto.name() : proto.alt_stat_name();
  return root_.scope("cluster").tagged(name, "envoy_cluster_name");
}

uint32_t Clusters::slotOf(std::string_view name) {
  const auto found = slots_.find(name);
  if (found != slots_.end()) return found->second.slot;
  const auto slot = static_cast<uint32_t>(slots_.size());
  slots_.emplace(name, Name{slot, {}});
  return slot;
}

cluster::NamedClusterPtr Clusters::named(std::string_view name) {
  slotOf(name);
  Name& at = slots_.find(name)->second;
  auto named = at.named.lock();
  if (named == nullptr) {
    named = std::make_shared<const cluster::NamedCluster>(
        cluster::NamedCluster{std::string(name), at.slot});
    at.named = named;
  }
  return named;
}

void Clusters::add(const ClusterProto& proto, const Where& at) {
  const StatScope scope = scopeOf(proto);
  auto plan = cluster::planCluster(proto, at, {secrets_, scope});
  if (!proto.name().empty() && exists(proto.name())) {
    return at.field("name").error("a cluster named '" + proto.name() + "' stands above already");
  }
  if (!plan) return;
  checkDiscovery(*plan, at);
  Entry& entry = entries_[proto.name()];
  entry.slot = slotOf(proto.name());
  ++cold_;
  begin(entry, *std::move(plan), scope);
}

void Clusters::checkDiscovery(const cluster::ClusterPlan& plan, const Where& at) const {
  if (plan.settings.discovery == cluster::Discovery::Eds) {
    parts_.sources.find(plan.eds.source, xds::ResourceType::Endpoints,
                        at.field("eds_cluster_config").field("eds_config"));
  }
  if (plan.settings.discovery != cluster::Discovery::Consul) return;
  const Where type = at.field("cluster_type");
  consul::readService(plan.consul, type.field("typed_config"));
  if (parts_.consul != nullptr) return;
  type.error("there is no agent to ask: give the bootstrap weir.bootstrap.consul");
}

void Clusters::begin(Entry& entry, cluster::ClusterPlan plan, StatScope scope,
                     const cluster::Cluster* former) {
  if (parts_.sources.clusters().contains(plan.settings.name)) {
    suitControlPlane(plan.settings.http2);
  }
  // The sessions of these connections, and what they may be resumed with, are of the same TLS.
  if (former != nullptr) plan.settings.tls = former->settings().tls;
  auto made =
      std::make_shared<cluster::Cluster>(entry.slot, plan.settings, std::move(scope), former);
  ClusterLife::Callbacks callbacks;
  callbacks.changed = callbacks_.endpoints;
  callbacks.warm = [this, &entry] {
    if (entry.warming != nullptr) warm(entry, *entry.warming);
  };
  if (entry.warming == nullptr) ++warming_count_;
  entry.warming =
      std::make_unique<ClusterLife>(parts_, std::move(plan), std::move(made), std::move(callbacks));
}

void Clusters::start() {
  for (auto& [name, entry] : entries_) {
    if (entry.warming != nullptr) entry.warming->start(nullptr);
  }
  countClusters();
}

// The workers take over at their own moment; what they carry ends on the old version.
void Clusters::warm(Entry& entry, ClusterLife& life) {
  const uint32_t slot = entry.slot;
  callbacks_.set(slot, life.cluster());
  retained_.replaced(slot);
  // An unused one costs no statistics, where it will have had the same members all the time.
  if (life.cluster()->settings().discovery != cluster::Discovery::Static) life.cluster()->enter();
  --warming_count_;
  if (entry.active == nullptr) {
    ++active_count_;
    if (entry.feed == nullptr) --cold_;
  }
  entry.active = std::move(entry.warming);
  entry.resource = std::move(entry.warming_resource);
  entry.updated = std::chrono::system_clock::now();
  countClusters();
  coming_.settle(slot);
  callbacks_.progress();
}

void Clusters::follow(const envoy::config::core::v3::ConfigSource& source, const Where& at) {
  xds::TypeState* state = parts_.sources.find(source, xds::ResourceType::Cluster, at);
  if (state == nullptr) return;
  feeds_.follow(
      source.has_self(), *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::All,
                       {},
                       xds::Sources::patienceOf(source),
                       root_.scope("cluster_manager").scope(source.has_self() ? "consul" : "cds")});
}

// New ones and changes first, so that what moves from one name to another always has a place.
void Clusters::onUpdate(const Feed& from, const xds::Update& update,
                        std::vector<xds::Refusal>& refusals) {
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(from, resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  for (const std::string& name : update.removed) remove(from, name);
  countClusters();
  callbacks_.progress();
}

bool Clusters::keepsConnections(const Entry& entry, const ClusterProto& next) {
  ClusterProto former;
  return entry.active != nullptr && entry.resource != nullptr &&
         former.ParseFromString(entry.resource->body.value()) &&
         cluster::sameConnections(std::move(former), next);
}

std::optional<std::string> Clusters::take(const Feed& from, const xds::ResourcePtr& resource) {
  const auto known = entries_.find(resource->name);
  if (known != entries_.end() && known->second.feed != &from) {
    return from.refusal("cluster", known->second.feed);
  }
  ClusterProto proto;
  if (auto why = parse(*resource, proto)) return why;
  Report report;
  const StatScope scope = scopeOf(proto);
  auto plan = cluster::planCluster(proto, Where(report), {secrets_, scope});
  if (plan) checkDiscovery(*plan, Where(report));
  if (!report.ok()) return wordsOf(report);
  plan->settings.added_via_api = true;
  const bool is_new = known == entries_.end();
  (is_new ? added_ : modified_).add();
  Entry& entry = entries_[resource->name];
  entry.feed = &from;
  entry.slot = slotOf(resource->name);
  entry.warming_resource = resource;
  // The one that was warming may be who asked for the endpoints that this one needs.
  const std::unique_ptr<ClusterLife> overtaken = std::move(entry.warming);
  if (overtaken != nullptr) --warming_count_;
  const cluster::Cluster* former =
      entry.active == nullptr ? retained_.find(entry.slot) : entry.active->cluster().get();
  begin(entry, *std::move(plan), scope, keepsConnections(entry, proto) ? former : nullptr);
  if (former == nullptr) coming_.add(entry.slot);
  entry.warming->start(former);
  return std::nullopt;
}

void Clusters::remove(const Feed& from, const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.feed != &from) return;
  if (found->second.warming != nullptr) --warming_count_;
  const uint32_t slot = found->second.slot;
  bool stays = false;
  if (const auto& active = found->second.active) {
    --active_count_;
    stays = retained_.keep(active->cluster(), slots_.find(name)->second.named);
    if (!stays) callbacks_.set(slot, nullptr);
  }
  entries_.erase(found);
  removed_.add();
  if (!stays) upstreamLog().info("cluster '{}' is removed", name);
  coming_.settle(slot);
}

std::vector<cluster::ClusterPtr> Clusters::table() const {
  std::vector<cluster::ClusterPtr> table(slots_.size());
  for (const auto& [name, entry] : entries_) {
    if (entry.active != nullptr) table[entry.slot] = entry.active->cluster();
  }
  retained_.forEach(
      [&table](const cluster::ClusterPtr& cluster) { table[cluster->slot()] = cluster; });
  return table;
}

void Clusters::countClusters() {
  active_.set(active_count_);
  warming_.set(warming_count_);
}

}  // namespace weir::live
