#include "source/cluster/subsets.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::cluster {
namespace {

using Fallback = SubsetSettings::Fallback;
using Value = EndpointMetadata::Value;

const Value* valueOf(const Endpoint& endpoint, const std::string& key) {
  if (endpoint.metadata == nullptr) return nullptr;
  const auto found = endpoint.metadata->balancing.find(key);
  return found == endpoint.metadata->balancing.end() ? nullptr : &found->second;
}

bool fits(const Endpoint& endpoint, const Criteria& wanted, bool list_as_any) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& want) {
    const Value* const value = valueOf(endpoint, want.first);
    if (value == nullptr) return false;
    if (value->json == want.second) return true;
    return list_as_any &&
           std::find(value->items.begin(), value->items.end(), want.second) != value->items.end();
  });
}

// What an endpoint stands for below each key: its value, or every item of a list. None: it is in no
// subset of these keys.
std::vector<std::vector<std::string>> valuesOf(const Endpoint& endpoint,
                                               const std::vector<std::string>& keys,
                                               bool list_as_any) {
  std::vector<std::vector<std::string>> all{{}};
  for (const std::string& key : keys) {
    const Value* const value = valueOf(endpoint, key);
    if (value == nullptr) return {};
    const bool is_list = list_as_any && !value->items.empty();
    std::vector<std::vector<std::string>> longer;
    for (const auto& begun : all) {
      const auto with = [&](const std::string& json) {
        longer.push_back(begun);
        longer.back().push_back(json);
      };
      if (!is_list) with(value->json);
      if (is_list) std::for_each(value->items.begin(), value->items.end(), with);
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace

bool SubsetSettings::Selector::isFor(const Criteria& wanted) const {
  return std::equal(keys.begin(), keys.end(), wanted.begin(), wanted.end(),
                    [](const std::string& key, const auto& want) { return key == want.first; });
}

void Subsets::update(const EndpointSet& endpoints, const Cluster& cluster, Balancer& all) {
  all_ = &all;
  if (settings_ != cluster.settings().subsets) {
    clear();
    settings_ = cluster.settings().subsets;
    if (settings_ == nullptr) return;
    for (const auto& selector : settings_->selectors) divided_.push_back({&selector, {}});
    const StatScope& scope = cluster.statScope();
    stats_ = {scope.gauge("lb_subsets_active"),     scope.counter("lb_subsets_created"),
              scope.counter("lb_subsets_removed"),  scope.counter("lb_subsets_selected"),
              scope.counter("lb_subsets_fallback"), scope.counter("lb_subsets_fallback_panic")};
  }
  if (settings_ == nullptr) return;
  for (Divided& divided : divided_) divide(divided, endpoints, cluster);
  default_.indices.clear();
  for (uint32_t i = 0; i < endpoints.all.size(); ++i) {
    if (!fits(*endpoints.all[i], settings_->default_subset, settings_->list_as_any)) continue;
    default_.indices.push_back(i);
  }
  fill(default_, endpoints, cluster);
}

void Subsets::divide(Divided& divided, const EndpointSet& endpoints, const Cluster& cluster) {
  for (auto& [values, subset] : divided.subsets) subset.indices.clear();
  for (uint32_t i = 0; i < endpoints.all.size(); ++i) {
    for (Values& values : valuesOf(*endpoints.all[i], divided.by->keys, settings_->list_as_any)) {
      const auto [at, fresh] = divided.subsets.try_emplace(std::move(values), random_);
      if (fresh) {
        stats_.created.add();
        stats_.active.add();
      }
      auto& indices = at->second.indices;
      if (indices.empty() || indices.back() != i) indices.push_back(i);  // a list may repeat itself
    }
  }
  const size_t gone =
      std::erase_if(divided.subsets, [](const auto& each) { return each.second.indices.empty(); });
  stats_.removed.add(gone);
  stats_.active.sub(gone);
  for (auto& [values, subset] : divided.subsets) fill(subset, endpoints, cluster);
}

void Subsets::fill(Subset& subset, const EndpointSet& endpoints, const Cluster& cluster) const {
  auto some = std::make_shared<EndpointSet>();
  some->rules = endpoints.rules;
  some->rules.locality_weights &= settings_->locality_weights;
  some->all.reserve(subset.indices.size());
  for (const uint32_t index : subset.indices) some->all.push_back(endpoints.all[index]);
  subset.balancer.update(std::move(some), cluster);
}

void Subsets::clear() {
  for (const Divided& divided : divided_) {
    stats_.active.sub(divided.subsets.size());
    stats_.removed.add(divided.subsets.size());
  }
  divided_.clear();
}

bool Subsets::chooseFrom(Subset& subset, uint64_t random, uint32_t& index) {
  if (!subset.balancer.choose(random, index)) return false;
  index = subset.indices[index];
  return true;
}

bool Subsets::choose(const Criteria* wanted, uint64_t random, uint32_t& index) {
  if (wanted == nullptr) return fallBack(settings_->fallback, random, index);
  for (Divided& divided : divided_) {
    if (!divided.by->isFor(*wanted)) continue;
    Values values;
    for (const auto& [key, json] : *wanted) values.push_back(json);
    if (const auto found = divided.subsets.find(values); found != divided.subsets.end()) {
      stats_.selected.add();
      return chooseFrom(found->second, random, index);
    }
    if (divided.by->fallback != Fallback::FewerKeys) {
      return fallBack(divided.by->fallback, random, index);
    }
    Criteria fewer;
    for (const std::string& key : divided.by->fewer_keys) fewer.insert(*wanted->find(key));
    return choose(&fewer, random, index);
  }
  return fallBack(settings_->fallback, random, index);
}

bool Subsets::fallBack(Fallback to, uint64_t random, uint32_t& index) {
  if (to == Fallback::Nobody) return false;
  if (to == Fallback::Default && !default_.indices.empty()) {
    stats_.fallback.add();
    return chooseFrom(default_, random, index);
  }
  if (to == Fallback::Default && !settings_->panic_any) return false;
  (to == Fallback::Default ? stats_.fallback_panic : stats_.fallback).add();
  return all_->choose(random, index);
}

}  // namespace weir::cluster
