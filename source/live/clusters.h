// Clusters are all the clusters there are now: those of the bootstrap, and those that a control
// plane gave. A new version of one warms beside the old and takes its place when it has endpoints.
// Each name has one slot for ever, also before there is a cluster of that name: routes hold slots.
// Lives in the Server; main thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/cluster/cluster_plan.h"
#include "source/live/cluster_life.h"
#include "source/live/coming_clusters.h"
#include "source/live/feeds.h"
#include "source/live/retained_clusters.h"
#include "source/transport/tls/secrets.h"
#include "weir/report.h"

namespace weir::live {

using ClusterProto = envoy::config::cluster::v3::Cluster;

class Clusters {
 public:
  struct Callbacks {
    // For every thread that sends requests.
    std::function<void(uint32_t slot, cluster::ClusterPtr)> set;  // null: there is none any more
    std::function<void(const cluster::ClusterPtr&, const cluster::EndpointSetPtr&)> endpoints;
    // Something may have become warm, or first heard of.
    std::function<void()> progress;
  };
  // One cluster, as /config_dump shows it.
  struct Entry {
    uint32_t slot = 0;
    const Feed* feed = nullptr;  // where it comes from; null: the bootstrap
    xds::ResourcePtr resource;   // of `active`; null of the bootstrap's
    std::chrono::system_clock::time_point updated;
    std::unique_ptr<ClusterLife> active;   // null: the first is still warming
    std::unique_ptr<ClusterLife> warming;  // the next version; null: none
    xds::ResourcePtr warming_resource;
  };

  Clusters(const ClusterLife::Parts& parts, StatScope root,
           std::shared_ptr<const transport::Secrets> secrets, RuntimeKey retain,
           Callbacks callbacks);
  ~Clusters();

  // Those of the bootstrap, before start(). What is wrong is reported.
  void add(const ClusterProto& proto, const Where& at);
  // Those of the bootstrap look for endpoints.
  void start();
  // Asks a control plane, or Consul, for all its clusters. Once each.
  void follow(const envoy::config::core::v3::ConfigSource& source, const Where& at);

  // The slot of a name, which there need not be a cluster of.
  uint32_t slotOf(std::string_view name);
  // Says of the name that somebody sends requests there, as long as it is kept.
  cluster::NamedClusterPtr named(std::string_view name);
  ComingClusters& coming() { return coming_; }
  bool exists(std::string_view name) const { return entries_.find(name) != entries_.end(); }
  // Every cluster of the bootstrap has its first endpoints.
  bool staticWarm() const { return cold_ == 0; }
  // The first answer of each that is asked for clusters is in, or is not waited for.
  bool answered() const { return feeds_.answered(); }
  // So are the clusters of these answers.
  bool allWarm() const { return answered() && active_count_ == entries_.size(); }
  // By slot, those that are retained, too; null where a name has no cluster. Made anew by each
  // call.
  std::vector<cluster::ClusterPtr> table() const;
  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  // What those that are followed said.
  std::vector<const xds::TypeState*> said() const { return feeds_.states(); }

 private:
  std::optional<std::string> take(const Feed& from, const xds::ResourcePtr& resource);
  // Reports what is wrong with where the endpoints come from.
  void checkDiscovery(const cluster::ClusterPlan& plan, const Where& at) const;
  static bool keepsConnections(const Entry& entry, const ClusterProto& next);
  void remove(const Feed& from, const std::string& name);
  void warm(Entry& entry, ClusterLife& life);
  // `former`: whose connections go on with this one; null: none.
  void begin(Entry& entry, cluster::ClusterPlan plan, StatScope scope,
             const cluster::Cluster* former = nullptr);
  StatScope scopeOf(const ClusterProto& proto) const;
  void countClusters();
  void onUpdate(const Feed& from, const xds::Update& update, std::vector<xds::Refusal>& refusals);

  const ClusterLife::Parts parts_;
  const StatScope root_;
  const std::shared_ptr<const transport::Secrets> secrets_;
  const Callbacks callbacks_;
  struct Name {
    uint32_t slot;
    std::weak_ptr<const cluster::NamedCluster> named;
  };
  std::map<std::string, Name, std::less<>> slots_;
  std::map<std::string, Entry, std::less<>> entries_;
  Feeds feeds_;
  size_t cold_ = 0;  // of the bootstrap, without a version that can be used
  size_t active_count_ = 0, warming_count_ = 0;
  Counter added_, modified_, removed_;
  Gauge active_, warming_;
  ComingClusters coming_;
  RetainedClusters retained_;
};

}  // namespace weir::live
