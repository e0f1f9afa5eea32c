// An Endpoint is one address of a cluster; an EndpointSet is what load balancing chooses from: an
// immutable list, replaced as a whole when discovery or health changes it. Endpoints that stay are
// shared between the old set and the new one. One that only has another weight, priority, locality
// or health is a new object with the same counts: the same host, whose connections go on.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "source/cluster/criteria.h"
#include "source/cluster/health.h"
#include "source/net/address.h"

namespace weir::cluster {

// Counts shared by all workers; relaxed. Shown by /clusters.
struct EndpointCounts {
  std::atomic<uint64_t> cx_total{0}, cx_active{0}, cx_connect_fail{0};
  std::atomic<uint64_t> rq_total{0}, rq_active{0}, rq_success{0}, rq_error{0}, rq_timeout{0};
};

// Where the one endpoint of a LOGICAL_DNS cluster connects to: discovery moves it while connections
// made before live on. Any thread.
class MovingAddress {
 public:
  explicit MovingAddress(net::Address address) : address_(std::move(address)) {}
  net::Address get() const {
    std::lock_guard lock(mutex_);
    return address_;
  }
  void moveTo(net::Address address) {
    std::lock_guard lock(mutex_);
    address_ = std::move(address);
  }

 private:
  mutable std::mutex mutex_;
  net::Address address_;
};

struct Endpoint {
  net::Address address;                   // of a LOGICAL_DNS cluster: the first one
  std::shared_ptr<MovingAddress> moving;  // of a LOGICAL_DNS cluster, else null
  std::string text;                       // "10.0.0.1:80"
  std::string hostname;                   // the name it was resolved from, or Endpoint.hostname
  uint32_t weight = 1;
  uint32_t priority = 0;
  uint32_t locality_weight = 0;  // of a cluster that has such weights
  Health health = Health::Healthy;
  std::string region, zone, sub_zone;
  EndpointMetadataPtr metadata;                   // null: none
  std::shared_ptr<EndpointCounts> shared_counts;  // of all that are the same host
  EndpointCounts& counts;

  Endpoint() : Endpoint(std::make_shared<EndpointCounts>()) {}
  explicit Endpoint(std::shared_ptr<EndpointCounts> its_counts)
      : shared_counts(std::move(its_counts)), counts(*shared_counts) {}

  // Where a new connection goes.
  net::Address connectAddress() const { return moving ? moving->get() : address; }
  bool isSameHost(const Endpoint& other) const { return shared_counts == other.shared_counts; }
};

using EndpointPtr = std::shared_ptr<const Endpoint>;

// How the health of a priority's endpoints counts (ClusterLoadAssignment.Policy).
struct PriorityRules {
  uint32_t overprovisioning_factor = 140;  // percent of what its endpoints need to carry
  bool weighted_health = false;            // by their weights, not their number
  bool locality_weights = true;            // those of localities hold
};

struct EndpointSet {
  std::vector<EndpointPtr> all;
  PriorityRules rules = {};
};

using EndpointSetPtr = std::shared_ptr<const EndpointSet>;

}  // namespace weir::cluster
