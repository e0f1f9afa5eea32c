// A ConsulDiscovery keeps the endpoints of one cluster up to date with the instances of a service:
// each of its datacenters is a priority. While Consul does not answer, the endpoints stay. Owned by
// a ClusterLife; main thread.
//
//   constructor, start(), destructor; the watches outlive it, and no callback destroys it
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/cluster/cluster_plan.h"
#include "source/consul/service_watch.h"

namespace weir::live {

class ConsulDiscovery {
 public:
  struct Callbacks {
    std::function<void(const std::vector<cluster::EndpointSpec>&)> publish;
    // Once: each datacenter has answered, or failed to.
    std::function<void()> ready;
  };

  ConsulDiscovery(consul::ServiceWatches& watches, const consul::ServiceSettings& service,
                  Callbacks callbacks);
  ~ConsulDiscovery();

  void start();
  // Of the list that Consul has not confirmed for the longest time; 0: it confirms all.
  std::chrono::seconds age() const;
  // Why the first datacenter in trouble is; null: none is.
  const consul::Trouble* trouble() const;

 private:
  class Datacenter;

  void onChange();
  void settle();

  const Callbacks callbacks_;
  std::vector<std::unique_ptr<Datacenter>> datacenters_;  // by priority
  bool ready_ = false;
};

// Of one datacenter.
std::vector<cluster::EndpointSpec> endpointsOf(const std::vector<consul::Instance>& instances,
                                               uint32_t priority);

}  // namespace weir::live
