// A DnsDiscovery keeps the endpoints of one STRICT_DNS or LOGICAL_DNS cluster up to date: it
// resolves every configured name, again when the refresh rate or the records' TTL says so, and
// publishes each new set of endpoints. Endpoints that stay are the same objects, with their counts.
//
// STRICT_DNS: every address of every name is an endpoint; a name that no longer exists, or has no
// address, has none. LOGICAL_DNS: one endpoint, made at the first address, which new connections
// then reach wherever the name led last. A failure (no answer, SERVFAIL) changes nothing: the last
// good answer serves on, and the name is asked again after the failure rate, doubled each time.
//
// Main thread only. Legal order: constructor, start(), destructor; destroying it cancels what is
// under way. The loop and the resolver outlive it. Callbacks may not destroy it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "source/cluster/cluster_plan.h"
#include "source/cluster/endpoint.h"
#include "source/net/loop.h"
#include "source/net/resolver.h"
#include "weir/stats.h"

namespace weir::cluster {

class DnsTarget;

class DnsDiscovery {
 public:
  struct Callbacks {
    std::function<void(EndpointSetPtr)> publish;  // a new set; the caller brings it to the workers
    std::function<void()> ready = {};  // once, may be empty; never inside the constructor
    // A name began to fail: not called again before it has been resolved. May be empty.
    std::function<void(std::string_view name, net::DnsError)> failing = {};
  };

  // `scope` is the cluster's ("cluster.<name>."). `seed` is for jitter. `former`: what the version
  // before has; what stays of it until the discovery is ready are the same hosts.
  DnsDiscovery(net::Loop& loop, net::Resolver& resolver, const ClusterPlan& plan,
               const StatScope& scope, uint64_t seed, Callbacks callbacks,
               const EndpointSet& former = {});
  DnsDiscovery(const DnsDiscovery&) = delete;
  ~DnsDiscovery();

  void start();
  // The cluster has an endpoint, or every name has been answered or has failed. True from start()
  // on where the configuration says not to wait.
  bool ready() const { return ready_; }

 private:
  friend class DnsTarget;
  struct Stats {
    explicit Stats(const StatScope& scope);
    Counter attempt, success, failure, empty, no_rebuild;
  };

  void onTargetAnswered();  // by each target, after each answer
  void publish();
  std::chrono::milliseconds jitter(std::chrono::milliseconds most);

  net::Loop& loop_;
  net::Resolver& resolver_;
  const Discovery discovery_;
  const DnsSpec spec_;
  const PriorityRules rules_;
  const Stats stats_;
  const Callbacks callbacks_;
  std::vector<EndpointPtr> former_;  // that nobody has taken yet
  std::minstd_rand random_;
  std::vector<std::unique_ptr<DnsTarget>> targets_;
  bool ready_ = false;
};

}  // namespace weir::cluster
