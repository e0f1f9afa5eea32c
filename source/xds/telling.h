// A Telling collects what a response, or a part of one, means for each watch, tells them, and then
// settles what is held: accepted, or refused and why. Watches may come and go while others are
// told, so they are kept by their number. Made and finished within one TypeState::apply(), whose
// private part it is; main thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/xds/type_state.h"

namespace weir::xds {

class TypeState::Telling {
 public:
  Telling(TypeState& state, std::string_view version, Applying& of)
      : state_(state), version_(version), of_(of) {}

  void changed(const ResourcePtr& resource) {
    forEach(resource->name, [&](Update& update) { update.resources.push_back(resource); });
    new_.push_back(resource);
    of_.changed = true;
  }
  void removed(const std::string& name) {
    forEach(name, [&](Update& update) { update.removed.push_back(name); });
    of_.changed = of_.outcome.news = true;
  }
  // Counted, but nobody has to be told.
  void same(const std::string& name) {
    forEach(name, [](Update&) {});
  }
  // Of what never comes to a watch.
  void refuse(Refusal refusal) {
    const auto [from, to] = state_.by_name_.equal_range(refusal.name);
    for (auto at = from; at != to; ++at) at->second->stats_.update_rejected.add();
    for (const Watch* watch : state_.wide_) {
      if (refusal.name.empty() || watch->wants(refusal.name)) of_.rejected.insert(watch->id_);
    }
    of_.outcome.refusals.push_back(std::move(refusal));
  }
  // It was refused before. What was wrong may have been another resource, so it is tried again
  // where that one has changed.
  void refusedBefore(const ResourcePtr& resource) { of_.again.push_back(resource); }

  // Tells; afterwards what was accepted is held, and the rest as refused. `more`: parts are to
  // come.
  void finish(bool more = false) {
    if (!more) tryAgain();
    for (const Watch* watch : state_.wide_) told_[watch->id_];
    for (auto& [id, update] : told_) tell(id, update, more);
    std::unordered_map<std::string_view, const Refusal*> refused;
    for (const Refusal& refusal : std::span(of_.outcome.refusals).subspan(refused_before_)) {
      refused.emplace(refusal.name, &refusal);
    }
    for (const ResourcePtr& resource : new_) {
      const auto found = refused.find(resource->name);
      settle(resource, found == refused.end() ? nullptr : found->second);
    }
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

  void tryAgain() {
    for (const ResourcePtr& resource : of_.again) {
      const auto held = state_.held_.find(resource->name);
      if (of_.changed) {
        changed(resource);
      } else if (held != state_.held_.end()) {
        refuse({resource->name, held->second->reason});
      }
    }
  }

  // What comes in parts is counted once; who was told of one is told of the end, too.
  void tell(uint64_t id, Update& update, bool more) {
    const auto found = state_.watches_.find(id);
    if (found == state_.watches_.end()) return;
    Watch& watch = *found->second;
    const WatchStats stats = watch.stats_;  // it may be gone afterwards
    const bool wide = watch.kind() != Watch::Kind::Name;
    const bool counts = !wide || !more;
    const bool nothing = update.resources.empty() && update.removed.empty();
    const bool to_be_told = !nothing || !watch.answered() || (wide && of_.wide_told);
    update.version = version_;
    update.more = wide && more;
    of_.wide_told |= to_be_told && update.more;
    std::vector<Refusal> refused;
    if (to_be_told) watch.tell(update, refused);
    if (wide) of_.wide_refused |= !refused.empty();
    const bool good = !of_.rejected.contains(id) && (wide ? !of_.wide_refused : refused.empty());
    if (counts) good ? stats.accept(version_) : stats.update_rejected.add();
    std::move(refused.begin(), refused.end(), std::back_inserter(of_.outcome.refusals));
  }

  // `refusal`: null when it is accepted.
  void settle(const ResourcePtr& resource, const Refusal* refusal) {
    const auto found = state_.held_.find(resource->name);
    if (found == state_.held_.end()) return;  // nobody wants it any more
    Held& held = *found->second;
    if (refusal != nullptr) {
      held.refused = resource;
      held.reason = refusal->text;
      held.refused_at = std::chrono::system_clock::now();
      return;
    }
    of_.outcome.news = true;
    held.accepted = resource;
    held.refused = nullptr;
    held.reason.clear();
    held.removed = false;
    held.stale = state_.from_saved_;
    state_.keepTime(held, *resource);
  }

  TypeState& state_;
  const std::string_view version_;
  std::map<uint64_t, Update> told_;  // by the watch's number
  std::vector<ResourcePtr> new_;
  Applying& of_;
  const size_t refused_before_ = of_.outcome.refusals.size();  // in earlier parts
};

}  // namespace weir::xds
