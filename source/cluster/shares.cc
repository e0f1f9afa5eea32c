#include "source/cluster/shares.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "source/cluster/priority_load.h"

namespace weir::cluster {
namespace {

using Indices = std::vector<uint32_t>;

// One percent of the requests as a weight: all numbers to 16 divide it, so that what usual weights
// of localities make of it is exact.
constexpr double kPercent = 720720;

// Endpoints of one locality. One that has no weight gets nothing, as in Envoy.
struct Locality {
  uint32_t weight = 0;
  Tally endpoints;
  Indices chosen;
};

// Endpoints of one priority.
struct Group {
  Indices indices;
  PriorityMembers members;
  bool has_locality_weights = false;

  void add(uint32_t index, const Endpoint& endpoint, bool locality_weights) {
    indices.push_back(index);
    members.endpoints.add(endpoint.health);
    members.weights.add(endpoint.health, endpoint.weight);
    has_locality_weights |= locality_weights && endpoint.locality_weight != 0;
  }
};

std::map<uint32_t, Group> byPriority(const EndpointSet& endpoints) {
  std::map<uint32_t, Group> groups;
  auto last = groups.end();  // they come in order, mostly
  for (uint32_t i = 0; i < endpoints.all.size(); ++i) {
    const Endpoint& endpoint = *endpoints.all[i];
    if (endpoint.weight == 0) continue;
    if (last == groups.end() || last->first != endpoint.priority) {
      last = groups.try_emplace(endpoint.priority).first;
    }
    last->second.add(i, endpoint, endpoints.rules.locality_weights);
  }
  return groups;
}

class Sharing {
 public:
  Sharing(const EndpointSet& endpoints, const ClusterSettings& settings)
      : endpoints_(endpoints), settings_(settings) {}

  void add(const Group& group, Health health, uint32_t percent);
  // Everybody, whatever their health and locality.
  void addAll(const Group& group, uint32_t percent);
  std::vector<Share> take() { return std::move(shares_); }

 private:
  void push(const Indices& chosen, double weight, bool panic);
  bool addLocalities(const Indices& of, Health health, double weight);

  const EndpointSet& endpoints_;
  const ClusterSettings& settings_;
  std::vector<Share> shares_;
};

void Sharing::push(const Indices& chosen, double weight, bool panic) {
  Share share{std::max<uint64_t>(1, static_cast<uint64_t>(weight + 0.5)), {}, panic};
  if (!panic || !settings_.fail_traffic_on_panic) {
    std::vector<uint64_t> weights(chosen.size(), 1);
    if (settings_.lb_policy != LbPolicy::Random) {  // it does not look at weights, as in Envoy
      for (size_t i = 0; i < chosen.size(); ++i) weights[i] = endpoints_.all[chosen[i]]->weight;
    }
    share.round.order = makeOrder(weights);
    for (uint32_t& at : share.round.order) at = chosen[at];
  }
  shares_.push_back(std::move(share));
}

// A locality whose endpoints are not all well keeps its share as long as its part of them, times
// the overprovisioning factor, is all of it. False: none has a weight and somebody to choose.
bool Sharing::addLocalities(const Indices& of, Health health, double weight) {
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, Locality> localities;
  for (const uint32_t i : of) {
    const Endpoint& endpoint = *endpoints_.all[i];
    Locality& locality = localities[{endpoint.region, endpoint.zone, endpoint.sub_zone}];
    locality.weight = endpoint.locality_weight;
    locality.endpoints.add(endpoint.health);
    if (endpoint.health == health) locality.chosen.push_back(i);
  }
  const auto effective = [this](const Locality& locality) -> double {
    if (locality.chosen.empty()) return 0;
    const double part = static_cast<double>(locality.chosen.size()) /
                        static_cast<double>(locality.endpoints.expected());
    return locality.weight * std::min(1.0, part * endpoints_.rules.overprovisioning_factor / 100.0);
  };
  double sum = 0;
  for (const auto& [name, locality] : localities) sum += effective(locality);
  if (sum == 0) return false;
  for (const auto& [name, locality] : localities) {
    if (const double own = effective(locality); own != 0) {
      push(locality.chosen, weight * own / sum, false);
    }
  }
  return true;
}

void Sharing::add(const Group& group, Health health, uint32_t percent) {
  if (percent == 0) return;
  const double weight = percent * kPercent;
  if (group.has_locality_weights && addLocalities(group.indices, health, weight)) return;
  const Tally& tally = group.members.endpoints;
  if (health == Health::Healthy && tally.healthy == tally.all) {
    return push(group.indices, weight, false);
  }
  Indices chosen;
  for (const uint32_t i : group.indices) {
    if (endpoints_.all[i]->health == health) chosen.push_back(i);
  }
  push(chosen, weight, false);
}

void Sharing::addAll(const Group& group, uint32_t percent) {
  if (percent != 0) push(group.indices, percent * kPercent, true);
}

}  // namespace

std::vector<Share> makeShares(const EndpointSet& endpoints, const ClusterSettings& settings) {
  const std::map<uint32_t, Group> groups = byPriority(endpoints);
  std::vector<PriorityMembers> members;
  for (const auto& [priority, group] : groups) members.push_back(group.members);
  Sharing sharing(endpoints, settings);
  const std::vector<PriorityLoad> loads =
      shareLoad(members, endpoints.rules, settings.panic_threshold);
  auto load = loads.begin();
  for (const auto& [priority, group] : groups) {
    if (load->panic) {
      sharing.addAll(group, load->healthy + load->degraded);
    } else {
      sharing.add(group, Health::Healthy, load->healthy);
      sharing.add(group, Health::Degraded, load->degraded);
    }
    ++load;
  }
  return sharing.take();
}

}  // namespace weir::cluster
