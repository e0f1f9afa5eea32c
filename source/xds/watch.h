// A Watch is somebody's interest in resources of one type: in one by its name, in all, or in those
// whose names begin alike. While it lives the source asks for them, and tells its Watcher. Main
// thread; the TypeState that it was made from outlives it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/net/loop.h"
#include "source/xds/resource.h"
#include "source/xds/watch_stats.h"

namespace weir::xds {

class TypeState;

// What one response, or the end of a time to live, means for one watch.
struct Update {
  std::string_view version;
  std::vector<ResourcePtr> resources;  // new, or changed
  std::vector<std::string> removed;    // do not exist, or no longer
  bool more = false;  // comes of the same response; only for who wants all clusters
};

class Watcher {
 public:
  // Uses what can be used. What cannot be is named in `refusals`; whatever it had of that name, it
  // keeps. For the first response also when there is nothing in it. May make and destroy watches.
  virtual void onUpdate(const Update& update, std::vector<Refusal>& refusals) = 0;
  // No answer has come in time; one may come later. Once.
  virtual void onFetchTimeout() = 0;

 protected:
  ~Watcher() = default;
};

class Watch final : private net::TimerUser {
 public:
  enum class Kind : uint8_t { Name, All, Prefix };  // behind a prefix no '/' follows
  struct Wish {
    Kind kind = Kind::All;
    std::string name;                            // or the prefix
    std::chrono::milliseconds patience{15'000};  // initial_fetch_timeout; 0: for ever
    StatScope scope;
    bool must_exist = false;  // that it does not, ends no waiting: it may be on its way
  };

  static std::unique_ptr<Watch> make(TypeState& state, net::Loop& loop, Wish wish,
                                     Watcher& watcher) {
    return std::make_unique<Watch>(state, loop, std::move(wish), watcher);
  }
  Watch(TypeState& state, net::Loop& loop, Wish wish, Watcher& watcher);
  Watch(const Watch&) = delete;
  ~Watch();

  // What is known of the name already, for another watch; null: nothing. Whoever makes a watch asks
  // this first: it is not told again.
  ResourcePtr current() const;
  // The same of everything, or of all names with the prefix.
  std::vector<ResourcePtr> known() const;
  Kind kind() const { return wish_.kind; }
  const std::string& name() const { return wish_.name; }
  bool wants(std::string_view name) const;
  const TypeState& state() const { return state_; }
  // An answer has come.
  bool answered() const { return answered_; }

 private:
  friend class TypeState;
  void tell(const Update& update, std::vector<Refusal>& refusals);
  void onTimer() override;

  TypeState& state_;
  const Wish wish_;
  Watcher& watcher_;
  const WatchStats stats_;
  net::Timer timer_;
  uint64_t id_ = 0;  // given by the state; in order of making
  bool answered_ = false;
};

}  // namespace weir::xds
