// A ClusterDiscovery brings every cluster's endpoints to life: static ones at once, those behind
// names through DNS for as long as the server runs. Main thread only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "source/cluster/dns_discovery.h"
#include "source/net/loop.h"
#include "source/net/resolver.h"
#include "source/server/snapshot.h"

namespace weir::server {

class ClusterDiscovery {
 public:
  struct Callbacks {
    // A cluster has new endpoints; the cluster itself has them already.
    std::function<void(const cluster::ClusterPtr&, cluster::EndpointSetPtr)> changed;
    // Every cluster has its first endpoints, or an answer that there are none. Once.
    std::function<void()> ready;
  };

  ClusterDiscovery(net::Loop& loop, const Snapshot& snapshot, Callbacks callbacks);
  ~ClusterDiscovery();

  void start();

 private:
  net::Resolver* resolverFor(const net::ResolverSettings& settings, const std::string& cluster);
  void addDns(uint32_t slot, const cluster::ClusterPlan& plan);
  void checkReady();

  net::Loop& loop_;
  const Snapshot& snapshot_;
  const Callbacks callbacks_;
  // One for each way to ask; discoveries point into it.
  std::vector<std::pair<net::ResolverSettings, std::unique_ptr<net::Resolver>>> resolvers_;
  std::vector<std::unique_ptr<cluster::DnsDiscovery>> dns_;
  bool told_ready_ = false;
};

}  // namespace weir::server
