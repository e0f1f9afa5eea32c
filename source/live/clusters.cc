#include "source/live/clusters.h"

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {
namespace {

// Servers of gRPC take a client that asks more often for an attacker.
constexpr std::chrono::seconds kKeepAlive{30}, kKeepAliveTimeout{5};

}  // namespace

Clusters::Clusters(const ClusterLife::Parts& parts, StatScope root,
                   std::shared_ptr<const transport::Secrets> secrets, Callbacks callbacks)
    : parts_(parts),
      root_(std::move(root)),
      secrets_(std::move(secrets)),
      callbacks_(std::move(callbacks)) {
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
  if (found != slots_.end()) return found->second;
  const auto slot = static_cast<uint32_t>(slots_.size());
  slots_.emplace(name, slot);
  return slot;
}

void Clusters::add(const ClusterProto& proto, const Where& at) {
  const StatScope scope = scopeOf(proto);
  auto plan = cluster::planCluster(proto, at, {secrets_, scope});
  if (!proto.name().empty() && exists(proto.name())) {
    return at.field("name").error("a cluster named '" + proto.name() + "' stands above already");
  }
  if (!plan) return;
  if (plan->settings.discovery == cluster::Discovery::Eds) {
    parts_.sources.find(plan->eds.source, xds::ResourceType::Endpoints,
                        at.field("eds_cluster_config").field("eds_config"));
  }
  Entry& entry = entries_[proto.name()];
  entry.slot = slotOf(proto.name());
  ++cold_;
  begin(entry, *std::move(plan), scope);
}

// A control plane that is gone without a word would not be missed otherwise: nothing is sent to it
// for hours.
void Clusters::begin(Entry& entry, cluster::ClusterPlan plan, StatScope scope) {
  http2::Keepalive::Options& keepalive = plan.settings.http2.keepalive;
  if (parts_.sources.clusters().contains(plan.settings.name) && keepalive.timeout.count() == 0) {
    keepalive.interval = kKeepAlive;
    keepalive.timeout = kKeepAliveTimeout;
  }
  auto made = std::make_shared<cluster::Cluster>(entry.slot, plan.settings, std::move(scope));
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
  started_ = true;
  for (auto& [name, entry] : entries_) {
    if (entry.warming != nullptr) entry.warming->start(nullptr);
  }
  countClusters();
}

// The workers take over at their own moment; what they carry ends on the old version.
void Clusters::warm(Entry& entry, ClusterLife& life) {
  callbacks_.set(entry.slot, life.cluster());
  --warming_count_;
  if (entry.active == nullptr) {
    ++active_count_;
    if (!entry.dynamic) --cold_;
  }
  entry.active = std::move(entry.warming);
  entry.resource = std::move(entry.warming_resource);
  entry.updated = std::chrono::system_clock::now();
  countClusters();
  callbacks_.progress();
}

void Clusters::follow(const envoy::config::core::v3::ConfigSource& source, const Where& at) {
  xds::TypeState* state = parts_.sources.find(source, xds::ResourceType::Cluster, at);
  if (state == nullptr) return;
  answered_ = false;
  cds_ = xds::Watch::make(*state, parts_.loop,
                          xds::Watch::Wish{xds::Watch::Kind::All,
                                           {},
                                           xds::Sources::patienceOf(source),
                                           root_.scope("cluster_manager").scope("cds")},
                          *this);
}

void Clusters::onFetchTimeout() {
  answered_ = true;
  callbacks_.progress();
}

// New ones and changes first, so that what moves from one name to another always has a place.
void Clusters::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  answered_ = true;
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  for (const std::string& name : update.removed) remove(name);
  countClusters();
  callbacks_.progress();
}

std::optional<std::string> Clusters::take(const xds::ResourcePtr& resource) {
  const auto known = entries_.find(resource->name);
  // As in Envoy: the bootstrap's clusters stay as they are, and that is no mistake.
  if (known != entries_.end() && !known->second.dynamic) return std::nullopt;
  ClusterProto proto;
  if (auto why = parse(*resource, proto)) return why;
  Report report;
  const StatScope scope = scopeOf(proto);
  auto plan = cluster::planCluster(proto, Where(report), {secrets_, scope});
  if (!plan) return wordsOf(report);
  if (plan->settings.discovery == cluster::Discovery::Eds &&
      parts_.sources.find(plan->eds.source, xds::ResourceType::Endpoints, Where(report)) ==
          nullptr) {
    return wordsOf(report);
  }
  const bool is_new = known == entries_.end();
  (is_new ? added_ : modified_).add();
  Entry& entry = entries_[resource->name];
  entry.dynamic = true;
  entry.slot = slotOf(resource->name);
  entry.warming_resource = resource;
  // The one that was warming may be who asked for the endpoints that this one needs.
  const std::unique_ptr<ClusterLife> overtaken = std::move(entry.warming);
  if (overtaken != nullptr) --warming_count_;
  begin(entry, *std::move(plan), scope);
  entry.warming->start(entry.active == nullptr ? nullptr : entry.active->cluster().get());
  return std::nullopt;
}

void Clusters::remove(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.dynamic) return;
  if (found->second.warming != nullptr) --warming_count_;
  if (found->second.active != nullptr) {
    --active_count_;
    found->second.active->withdraw();
    callbacks_.set(found->second.slot, nullptr);
  }
  entries_.erase(found);
  removed_.add();
  upstreamLog().info("cluster '{}' is removed", name);
}

std::vector<cluster::ClusterPtr> Clusters::table() const {
  std::vector<cluster::ClusterPtr> table(slots_.size());
  for (const auto& [name, entry] : entries_) {
    if (entry.active != nullptr) table[entry.slot] = entry.active->cluster();
  }
  return table;
}

void Clusters::countClusters() {
  active_.set(active_count_);
  warming_.set(warming_count_);
}

}  // namespace weir::live
