#include "source/xds/type_state.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "source/xds/telling.h"

namespace weir::xds {
namespace {

constexpr std::chrono::seconds kUntilSettled{10};

bool sameBytes(const ResourcePtr& a, const Resource& b) {
  return a != nullptr && a->body.value() == b.body.value() &&
         a->body.type_url() == b.body.type_url() && a->aliases == b.aliases;
}

}  // namespace

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
    if (held->accepted != nullptr && !held->removed && !held->stale)
      versions[name] = held->accepted->version;
  }
  return versions;
}

ResourcePtr TypeState::current(const std::string& name) const {
  const auto found = held_.find(name);
  return found == held_.end() ? nullptr : found->second->accepted;
}

std::vector<ResourcePtr> TypeState::known(const Watch& watch) const {
  std::vector<ResourcePtr> all;
  for (const auto& [name, held] : held_) {
    if (held->accepted != nullptr && watch.wants(name)) all.push_back(held->accepted);
  }
  return all;
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
    complete_ = false;
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

// What comes because everything was asked for comes only once: it is kept for watches that are yet
// to be made, as of a prefix that nobody has named before.
bool TypeState::concerns(const std::string& name) const {
  return wantsAll() || by_name_.contains(name);
}

TypeState::Held& TypeState::hold(const std::string& name) {
  auto& held = held_[name];
  if (held == nullptr) held = std::make_unique<Held>(*this, name);
  return *held;
}

void TypeState::forget(const std::string& name) { held_.erase(name); }

void TypeState::keepTime(Held& held, const Resource& resource) {
  if (!resource.ttl) return held.timer.disarm();
  held.ends = loop_.now() + *resource.ttl;
  held.timer.arm(loop_.timers(), held.ends);
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
    held.stale = held.stale && from_saved_;
    telling.same(name);
    return keepTime(held, *resource);
  }
  // Who gives it another version means that something is different now.
  if (sameBytes(held.refused, *resource) && held.refused->version == resource->version) {
    return telling.refusedBefore(resource);
  }
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

// What was there and is not named, neither well nor badly. What has no name that could be read may
// be any of it.
void TypeState::takeAwayAbsent(const Response& response, Telling& telling) {
  const bool unnamed = std::any_of(response.refusals.begin(), response.refusals.end(),
                                   [](const Refusal& refusal) { return refusal.name.empty(); });
  if (unnamed) return;
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

Outcome TypeState::apply(const Response& response) {
  Applying all;
  apply(response, response.resources.size(), all);
  return std::move(all.outcome);
}

// Who wants more than one name takes what comes for one whole, but for clusters.
bool TypeState::inParts() const { return facts_.type == ResourceType::Cluster || wide_.empty(); }

void TypeState::apply(const Response& response, size_t most, Applying& applying) {
  const size_t size = response.resources.size();
  const size_t first = applying.next;
  const size_t end = inParts() && size - first > most ? first + most : size;
  Telling telling(*this, response.version, applying);
  if (first == 0) {
    for (const Refusal& refusal : response.refusals) telling.refuse(refusal);
  }
  const bool last = end == size;
  if (last) {
    if (facts_.whole && !response.delta) takeAwayAbsent(response, telling);
    for (const std::string& name : response.removed) takeAway(name, telling);
  }
  for (; applying.next != end; ++applying.next) apply(response.resources[applying.next], telling);
  complete_ |= last && wantsAll();
  telling.finish(!last);
  applying.done = last;
  if (last) settle(response, applying.outcome);
}

// All of it was applied.
void TypeState::settle(const Response& response, const Outcome& outcome) {
  if (outcome.refusals.empty()) version_ = response.version;
  if (saved_ != nullptr && outcome.news) saved_->onChange();
  if (facts_.whole && response.delta && !settled_.timer.armed() && staleCount() != 0) {
    settled_.timer.arm(loop_.timers(), loop_.now() + kUntilSettled);
  }
}

void TypeState::useSaved() {
  const SavedState::Earlier* earlier = saved_ == nullptr ? nullptr : saved_->earlier();
  if (earlier == nullptr) return;
  std::set<std::string> there, missing;
  bool waits = false;
  for (const auto& [id, watch] : watches_) {
    if (watch->answered()) continue;
    waits = true;
    if (watch->kind() == Watch::Kind::Name) {
      (earlier->resources.contains(watch->name()) ? there : missing).insert(watch->name());
      continue;
    }
    for (const auto& [name, resource] : earlier->resources) {
      if (watch->wants(name)) there.insert(name);
    }
  }
  if (!waits) return;
  if (!there.empty()) {
    spdlog::warn("xds: no answer yet: {} {}(s) are used as they were saved", there.size(),
                 facts_.title);
  }
  from_saved_ = true;
  complete_ |= wantsAll();
  Applying all;
  Telling telling(*this, earlier->version, all);
  for (const std::string& name : there) apply(earlier->resources.at(name), telling);
  for (const std::string& name : missing) takeAway(name, telling);
  telling.finish();
  from_saved_ = false;
}

size_t TypeState::staleCount() const {
  return static_cast<size_t>(std::count_if(held_.begin(), held_.end(),
                                           [](const auto& held) { return held.second->stale; }));
}

void TypeState::dropStale() {
  std::vector<std::string> gone;
  for (const auto& [name, held] : held_) {
    if (held->stale) gone.push_back(name);
  }
  Applying all;
  Telling telling(*this, version_, all);
  for (const std::string& name : gone) takeAway(name, telling);
  telling.finish();
  saved_->onChange();
}

std::string TypeState::staleness() const {
  const size_t count = staleCount();
  if (count == 0) return {};
  return std::to_string(count) + " " + std::string(facts_.title) + "(s) " +
         StateDirectory::savedAt(saved_->earlier()->written);
}

void TypeState::expire(const std::string& name) {
  if (!facts_.removable) return;
  Applying all;
  Telling telling(*this, "", all);
  takeAway(name, telling);
  telling.finish();
  if (saved_ != nullptr) saved_->onChange();
}

// The wheel of timers tells no deadline that is days away.
void TypeState::Held::onTimer() {
  if (state.loop_.now() < ends) return timer.arm(state.loop_.timers(), ends);
  state.expire(std::string(name));
}

void TypeState::countAttempt() const {
  for (const auto& [id, watch] : watches_) watch->stats_.update_attempt.add();
}

void TypeState::countFailure() {
  settled_.timer.disarm();  // whatever the server has, it may not have said it
  for (const auto& [id, watch] : watches_) watch->stats_.update_failure.add();
}

}  // namespace weir::xds
