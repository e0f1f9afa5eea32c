// A TypeState is what one source of configuration is asked for of one type of resource, and what it
// has answered: the watches, and the resources that were accepted last. It turns responses of every
// kind into what each watch has to be told, so that watchers see no difference between the state of
// the world, deltas, polled and read files. Main thread.
//
// A resource whose bytes are those that were accepted, or refused, last time is not told again.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/net/loop.h"
#include "source/xds/outcome.h"
#include "source/xds/resource.h"
#include "source/xds/saved_state.h"
#include "source/xds/watch.h"

namespace weir::xds {

class TypeState {
 public:
  // `changed`: the watches want something else than before.
  TypeState(net::Loop& loop, const TypeFacts& facts, std::function<void()> changed)
      : loop_(loop), facts_(facts), changed_(std::move(changed)) {}
  TypeState(const TypeState&) = delete;

  const TypeFacts& facts() const { return facts_; }

  // What is accepted is kept there from now on, under that name. Before any watch.
  void keepIn(StateDirectory& directory, std::string name) {
    saved_ = std::make_unique<SavedState>(loop_, directory, std::move(name), *this);
  }
  // Before the watches go.
  void finishSaving() const {
    if (saved_ != nullptr) saved_->finish();
  }

  // --- for protocols
  bool wantsAll() const { return !wide_.empty(); }
  bool wants(const std::string& name) const { return by_name_.contains(name); }
  bool isWanted() const { return wantsAll() || !by_name_.empty(); }
  // Of those wanted by name, in order.
  std::vector<std::string> names() const;
  // Names that have come to be wanted by name, or no longer, or must be asked for again, since this
  // was called last.
  std::set<std::string> takeTouched() { return std::exchange(touched_, {}); }
  bool hasTouched() const { return !touched_.empty(); }
  // Name and version of all that was accepted and not removed.
  std::map<std::string, std::string> versions() const;
  // Of the response that was accepted last as a whole.
  const std::string& version() const { return version_; }
  Outcome apply(const Response& response);
  // The same in parts of at most `most` resources, where watches can be told so. Nothing else is
  // applied in between.
  void apply(const Response& response, size_t most, Applying& applying);
  // Nobody answers: whoever waits is told what an earlier process saved. It is stale until an
  // answer has it, too.
  void useSaved();
  // An attempt begins; it has failed without an answer.
  void countAttempt() const;
  void countFailure();

  // --- for watches
  void add(Watch& watch);
  void remove(Watch& watch);
  ResourcePtr current(const std::string& name) const;
  // All that is known of what the watch wants, by name.
  std::vector<ResourcePtr> known(const Watch& watch) const;
  // Everything was asked for, and an answer has come.
  bool complete() const { return complete_; }

  // --- for people
  struct Held final : private net::TimerUser {
    Held(TypeState& state, std::string name) : state(state), name(std::move(name)), timer(*this) {}
    void onTimer() override;

    TypeState& state;
    const std::string name;
    ResourcePtr accepted;  // null: none yet
    ResourcePtr refused;   // newer than `accepted`; null: none
    std::string reason;    // of the refusal
    std::chrono::system_clock::time_point refused_at;
    bool removed = false;  // by the server; its content is used on
    bool stale = false;    // `accepted` was saved by an earlier process, and no answer had it
    net::SteadyTime ends;  // the time to live
    net::Timer timer;      // wakes then, or before
  };
  const std::map<std::string, std::unique_ptr<Held>>& held() const { return held_; }
  // "3 cluster(s) as they were saved at 2026-11-22 06:00:00 UTC"; empty: nothing is stale.
  std::string staleness() const;

 private:
  // What a response means, watch by watch.
  class Telling;

  bool inParts() const;
  bool concerns(const std::string& name) const;
  Held& hold(const std::string& name);
  void forget(const std::string& name);
  void expire(const std::string& name);
  void keepTime(Held& held, const Resource& resource);
  void apply(const ResourcePtr& resource, Telling& telling);
  void settle(const Response& response, const Outcome& outcome);
  void takeAway(const std::string& name, Telling& telling);
  void takeAwayAbsent(const Response& response, Telling& telling);
  size_t staleCount() const;
  void dropStale();

  net::Loop& loop_;
  const TypeFacts& facts_;
  const std::function<void()> changed_;
  std::map<uint64_t, Watch*> watches_;
  std::multimap<std::string, Watch*, std::less<>> by_name_;
  std::vector<Watch*> wide_;  // of other kinds than Name
  std::set<std::string> touched_;
  std::map<std::string, std::unique_ptr<Held>> held_;
  uint64_t next_id_ = 0;
  std::string version_;
  bool complete_ = false;
  std::unique_ptr<SavedState> saved_;  // null: nothing is kept
  bool from_saved_ = false;            // what is applied at this moment
  // After the first deltas all that the server has is there.
  struct Settled final : net::TimerUser {
    explicit Settled(TypeState& state) : state(state) {}
    void onTimer() override { state.dropStale(); }
    TypeState& state;
    net::Timer timer{*this};
  } settled_{*this};
};

}  // namespace weir::xds
