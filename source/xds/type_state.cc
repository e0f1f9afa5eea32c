#include "source/xds/type_state.h"

#include <algorithm>
#include <utility>

namespace weir::xds {
namespace {

bool sameBytes(const ResourcePtr& a, const Resource& b) {
  return a != nullptr && a->body.value() == b.body.value() &&
         a->body.type_url() == b.body.type_url() && a->aliases == b.aliases;
}

}  // namespace

// Watches may come and go while others are told, so they are kept by their number.
class TypeState::Telling {
 public:
  Telling(TypeState& state, std::string_view version) : state_(state), version_(version) {}

  void changed(const ResourcePtr& resource) {
    forEach(resource->name, [&](Update& update) { update.resources.push_back(resource); });
    new_.push_back(resource);
  }
  void removed(const std::string& name) {
    forEach(name, [&](Update& update) { update.removed.push_back(name); });
  }
  // Counted, but nobody has to be told.
  void same(const std::string& name) {
    forEach(name, [](Update&) {});
  }
  void refuse(Refusal refusal) { refusals_.push_back(std::move(refusal)); }

  // Tells; afterwards what was accepted is held, and the rest as refused.
  std::vector<Refusal> finish() {
    for (const Watch* watch : state_.wide_) told_[watch->id_];
    for (auto& [id, update] : told_) tell(id, update);
    for (const ResourcePtr& resource : new_) settle(resource);
    return std::move(refusals_);
  }

 private:
  template <typename Do>
  void forEach(const std::string& name, Do change) {
    for (const Watch* watch : state_.wide_) {
      if (watch->wants(name)) change(told_[watch->id_]);
    }
    const auto [from, to] = state_.by_name_.equal_range(name);
    for (auto at = from; at != to; ++at) change(told_[at->second->id_]);
  }

  void tell(uint64_t id, Update& update) {
    const auto found = state_.watches_.find(id);
    if (found == state_.watches_.end()) return;
    Watch& watch = *found->second;
    const WatchStats stats = watch.stats_;  // it may be gone afterwards
    const bool nothing = update.resources.empty() && update.removed.empty();
    if (nothing && watch.answered()) return stats.accept(version_);
    update.version = version_;
    std::vector<Refusal> refused;
    watch.tell(update, refused);
    refused.empty() ? stats.accept(version_) : stats.update_rejected.add();
    std::move(refused.begin(), refused.end(), std::back_inserter(refusals_));
  }

  void settle(const ResourcePtr& resource) {
    const auto found = state_.held_.find(resource->name);
    if (found == state_.held_.end()) return;  // nobody wants it any more
    Held& held = *found->second;
    const auto refusal = std::find_if(refusals_.begin(), refusals_.end(),
                                      [&](const Refusal& r) { return r.name == resource->name; });
    if (refusal != refusals_.end()) {
      held.refused = resource;
      held.reason = refusal->text;
      held.refused_at = std::chrono::system_clock::now();
      return;
    }
    held.accepted = resource;
    held.refused = nullptr;
    held.reason.clear();
    held.removed = false;
    state_.keepTime(held, *resource);
  }

  TypeState& state_;
  const std::string_view version_;
  std::map<uint64_t, Update> told_;  // by the watch's number
  std::vector<ResourcePtr> new_;
  std::vector<Refusal> refusals_;
};

std::vector<std::string> TypeState::names() const {
  std::vector<std::string> names;
  for (auto at = by_name_.begin(); at != by_name_.end(); at = by_name_.upper_bound(at->first)) {
    names.push_back(at->first);
  }
  return names;
}

std::map<std::string, std::string> TypeState::versions() const {
  std::map<std::string, std::string> versions;
  for (const auto& [name, held] : held_) {
    if (held->accepted != nullptr && !held->removed) versions[name] = held->accepted->version;
  }
  return versions;
}

ResourcePtr TypeState::current(const std::string& name) const {
  const auto found = held_.find(name);
  return found == held_.end() ? nullptr : found->second->accepted;
}

void TypeState::add(Watch& watch) {
  watch.id_ = next_id_++;
  watches_.emplace(watch.id_, &watch);
  if (watch.kind() != Watch::Kind::Name) {
    wide_.push_back(&watch);
    if (wide_.size() != 1) return;
  } else {
    const bool known = by_name_.contains(watch.name());
    by_name_.emplace(watch.name(), &watch);
    if (known) return;
    touched_.insert(watch.name());
  }
  changed_();
}

void TypeState::remove(Watch& watch) {
  watches_.erase(watch.id_);
  if (watch.kind() != Watch::Kind::Name) {
    std::erase(wide_, &watch);
    if (!wide_.empty()) return;
    std::erase_if(held_, [this](const auto& held) { return !by_name_.contains(held.first); });
    return changed_();
  }
  const auto [from, to] = by_name_.equal_range(watch.name());
  by_name_.erase(std::find_if(from, to, [&](const auto& at) { return at.second == &watch; }));
  if (by_name_.contains(watch.name())) return;
  touched_.insert(watch.name());
  if (!concerns(watch.name())) forget(watch.name());
  changed_();
}

bool TypeState::concerns(const std::string& name) const {
  return by_name_.contains(name) ||
         std::any_of(wide_.begin(), wide_.end(),
                     [&](const Watch* watch) { return watch->wants(name); });
}

TypeState::Held& TypeState::hold(const std::string& name) {
  auto& held = held_[name];
  if (held == nullptr) held = std::make_unique<Held>(*this, name);
  return *held;
}

void TypeState::forget(const std::string& name) { held_.erase(name); }

void TypeState::keepTime(Held& held, const Resource& resource) {
  if (!resource.ttl) return held.timer.disarm();
  held.timer.arm(loop_.timers(), loop_.now() + *resource.ttl);
}

void TypeState::apply(const ResourcePtr& resource, Telling& telling) {
  const std::string& name = resource->name;
  if (!concerns(name)) return;
  if (resource->isHeartbeat()) {
    const auto found = held_.find(name);
    if (found != held_.end()) keepTime(*found->second, *resource);
    return;
  }
  Held& held = hold(name);
  if (sameBytes(held.accepted, *resource)) {
    held.accepted = resource;
    held.refused = nullptr;
    held.removed = false;
    telling.same(name);
    return keepTime(held, *resource);
  }
  if (sameBytes(held.refused, *resource)) return telling.refuse({name, held.reason});
  telling.changed(resource);
}

void TypeState::takeAway(const std::string& name, Telling& telling) {
  const auto found = held_.find(name);
  const bool held = found != held_.end() && found->second->accepted != nullptr;
  if (held && !facts_.removable) {
    found->second->removed = true;
    return found->second->timer.disarm();
  }
  telling.removed(name);
  if (found != held_.end()) forget(name);
}

// What was there and is not named, neither well nor badly.
void TypeState::takeAwayAbsent(const Response& response, Telling& telling) {
  const bool only_heartbeats =
      !response.resources.empty() &&
      std::all_of(response.resources.begin(), response.resources.end(),
                  [](const ResourcePtr& resource) { return resource->isHeartbeat(); });
  if (only_heartbeats) return;
  std::set<std::string_view> there;
  for (const ResourcePtr& resource : response.resources) there.insert(resource->name);
  for (const Refusal& refusal : response.refusals) there.insert(refusal.name);
  std::vector<std::string> gone;
  for (const auto& [name, held] : held_) {
    if (!there.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) takeAway(name, telling);
}

std::vector<Refusal> TypeState::apply(const Response& response) {
  Telling telling(*this, response.version);
  for (const Refusal& refusal : response.refusals) telling.refuse(refusal);
  if (facts_.whole && !response.delta) takeAwayAbsent(response, telling);
  for (const std::string& name : response.removed) takeAway(name, telling);
  for (const ResourcePtr& resource : response.resources) apply(resource, telling);
  std::vector<Refusal> refusals = telling.finish();
  if (refusals.empty()) version_ = response.version;
  return refusals;
}

void TypeState::expire(const std::string& name) {
  if (!facts_.removable) return;
  Telling telling(*this, "");
  takeAway(name, telling);
  telling.finish();
}

void TypeState::countAttempt() const {
  for (const auto& [id, watch] : watches_) watch->stats_.update_attempt.add();
}

void TypeState::countFailure() const {
  for (const auto& [id, watch] : watches_) watch->stats_.update_failure.add();
}

}  // namespace weir::xds
