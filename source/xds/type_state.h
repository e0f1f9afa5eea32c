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
#include "source/xds/resource.h"
#include "source/xds/watch.h"

namespace weir::xds {

class TypeState {
 public:
  // `changed`: the watches want something else than before.
  TypeState(net::Loop& loop, const TypeFacts& facts, std::function<void()> changed)
      : loop_(loop), facts_(facts), changed_(std::move(changed)) {}
  TypeState(const TypeState&) = delete;

  const TypeFacts& facts() const { return facts_; }

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
  // What is wrong with the response; empty: all of it is in use.
  std::vector<Refusal> apply(const Response& response);
  // An attempt begins; it has failed without an answer.
  void countAttempt() const;
  void countFailure() const;

  // --- for watches
  void add(Watch& watch);
  void remove(Watch& watch);
  ResourcePtr current(const std::string& name) const;

  // --- for people
  struct Held final : private net::TimerUser {
    Held(TypeState& state, std::string name) : state(state), name(std::move(name)), timer(*this) {}
    void onTimer() override { state.expire(std::string(name)); }

    TypeState& state;
    const std::string name;
    ResourcePtr accepted;  // null: none yet
    ResourcePtr refused;   // newer than `accepted`; null: none
    std::string reason;    // of the refusal
    std::chrono::system_clock::time_point refused_at;
    bool removed = false;  // by the server; its content is used on
    net::Timer timer;      // of the time to live
  };
  const std::map<std::string, std::unique_ptr<Held>>& held() const { return held_; }

 private:
  // What a response means, watch by watch.
  class Telling;

  bool concerns(const std::string& name) const;
  Held& hold(const std::string& name);
  void forget(const std::string& name);
  void expire(const std::string& name);
  void keepTime(Held& held, const Resource& resource);
  void apply(const ResourcePtr& resource, Telling& telling);
  void takeAway(const std::string& name, Telling& telling);
  void takeAwayAbsent(const Response& response, Telling& telling);

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
};

}  // namespace weir::xds
