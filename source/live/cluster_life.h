// A ClusterLife is one version of a cluster on the main thread: it finds the endpoints, for as long
// as it lives, and says when the first are there. Until then the version is warming: nobody uses
// it. Owned by Clusters; main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/cluster/cluster_plan.h"
#include "source/cluster/dns_discovery.h"
#include "source/live/resolvers.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class ClusterLife final : private xds::Watcher {
 public:
  struct Parts {
    net::Loop& loop;
    Resolvers& resolvers;
    xds::Sources& sources;
  };
  struct Callbacks {
    // The cluster has other endpoints; it has them already.
    std::function<void(const cluster::ClusterPtr&, const cluster::EndpointSetPtr&)> changed;
    // Once; it may be used. May destroy other versions, not this one.
    std::function<void()> warm;
  };

  ClusterLife(const Parts& parts, cluster::ClusterPlan plan, cluster::ClusterPtr cluster,
              Callbacks callbacks);
  ~ClusterLife();

  // `former`: the version that this one takes the place of, whose endpoints keep their counts;
  // null: none.
  void start(const cluster::Cluster* former);
  bool warm() const { return warm_; }
  // The cluster is removed: it has no members any more.
  void withdraw() const;
  // What it waits for, in a word.
  std::string_view waitsFor() const;
  const cluster::ClusterPtr& cluster() const { return cluster_; }
  const cluster::ClusterPlan& plan() const { return plan_; }

 private:
  void startDns();
  void startEds();
  void publish(cluster::EndpointSetPtr endpoints);
  void becomeWarm();
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override { becomeWarm(); }
  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource);

  const Parts parts_;
  const cluster::ClusterPlan plan_;
  const cluster::ClusterPtr cluster_;
  const Callbacks callbacks_;
  std::optional<cluster::Membership> membership_;  // of EDS; others count elsewhere
  cluster::EndpointSetPtr former_;
  std::unique_ptr<cluster::DnsDiscovery> dns_;
  std::unique_ptr<xds::Watch> eds_;
  bool warm_ = false;
};

}  // namespace weir::live
