// Subsets are the parts that lb_subset_config divides a cluster's endpoints into: all that have the
// same values of the keys of a selector are one, with one worker's Balancer. A request that wants
// values of just these keys is balanced over it; others fall back. An endpoint may be in several.
// Worker thread only; the settings are made on the main thread and immutable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/cluster/balancer.h"
#include "source/cluster/criteria.h"
#include "weir/stats.h"

namespace weir::cluster {

struct SubsetSettings {
  enum class Fallback : uint8_t { Nobody, Anybody, Default, FewerKeys };
  struct Selector {
    std::vector<std::string> keys;  // in order, each once
    Fallback fallback = Fallback::Nobody;
    std::vector<std::string> fewer_keys;  // in order; of FewerKeys

    bool isFor(const Criteria& wanted) const;
  };

  Fallback fallback = Fallback::Nobody;  // where no selector is for what is wanted
  Criteria default_subset;
  std::vector<Selector> selectors;
  bool locality_weights = false;  // those of localities hold in subsets
  bool panic_any = false;         // where the default subset is empty, anybody
  bool list_as_any = false;       // an endpoint with a list of values is in the subset of each
};

class Subsets {
 public:
  explicit Subsets(uint64_t random) : random_(random) {}
  Subsets(const Subsets&) = delete;
  ~Subsets() { clear(); }

  // `endpoints` is what `all` chooses from; `all` and the cluster outlive it, or are replaced
  // first.
  void update(const EndpointSet& endpoints, const Cluster& cluster, Balancer& all);

  // The index of an endpoint in the whole set. False: nobody may have this request.
  bool choose(const Criteria* wanted, uint64_t random, uint32_t& index);

 private:
  using Values = std::vector<std::string>;  // beside the keys of a selector

  struct Subset {
    explicit Subset(uint64_t random) : balancer(random) {}

    Balancer balancer;
    std::vector<uint32_t> indices;  // in the whole set
  };
  struct Divided {  // by one selector
    const SubsetSettings::Selector* by;
    std::map<Values, Subset> subsets;
  };

  void clear();
  void divide(Divided& divided, const EndpointSet& endpoints, const Cluster& cluster);
  void fill(Subset& subset, const EndpointSet& endpoints, const Cluster& cluster) const;
  bool chooseFrom(Subset& subset, uint64_t random, uint32_t& index);
  bool fallBack(SubsetSettings::Fallback to, uint64_t random, uint32_t& index);

  struct Stats {
    Gauge active;
    Counter created, removed, selected, fallback, fallback_panic;
  };

  const uint64_t random_;  // where rounds begin
  std::shared_ptr<const SubsetSettings> settings_;
  Balancer* all_ = nullptr;
  std::vector<Divided> divided_;
  Subset default_{0};
  Stats stats_;
};

}  // namespace weir::cluster
