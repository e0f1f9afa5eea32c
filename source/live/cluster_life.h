// A ClusterLife is one version of a cluster on the main thread: it finds the endpoints, and the
// secrets of its TLS, for as long as it lives, and says when the first are there. Until then the
// version is warming: nobody uses it. Owned by Clusters; main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "source/cluster/cluster_plan.h"
#include "source/cluster/dns_discovery.h"
#include "source/live/consul_discovery.h"
#include "source/live/resolvers.h"
#include "source/live/secret_life.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class ClusterLife final : private xds::Watcher {
 public:
  struct Parts {
    net::Loop& loop;
    Resolvers& resolvers;
    xds::Sources& sources;
    SecretLife::Parts secrets;
    consul::ServiceWatches* consul = nullptr;  // null: no agent is named
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
  // What it waits for, in a word.
  std::string_view waitsFor() const;
  const cluster::ClusterPtr& cluster() const { return cluster_; }
  const SecretLife* secrets() const { return secrets_.get(); }
  // The clusters that control planes are reached through which it needs itself.
  std::set<std::string> needs() const;
  // Null: its endpoints do not come from Consul.
  const ConsulDiscovery* consul() const { return consul_.get(); }

 private:
  void startDns();
  void startEds();
  void startConsul();
  void publish(cluster::EndpointSetPtr endpoints);
  void becomeFound();
  void becomeWarm();
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override { becomeFound(); }
  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource);

  const Parts parts_;
  const cluster::ClusterPlan plan_;
  const cluster::ClusterPtr cluster_;
  const Callbacks callbacks_;
  cluster::EndpointSetPtr former_;
  std::unique_ptr<cluster::DnsDiscovery> dns_;
  std::unique_ptr<xds::Watch> eds_;
  std::unique_ptr<ConsulDiscovery> consul_;
  std::unique_ptr<SecretLife> secrets_;  // null: it needs none
  bool found_ = false;                   // its endpoints, or none will be waited for
  bool warm_ = false;
};

}  // namespace weir::live
