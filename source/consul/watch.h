// A Watch asks one Question for ever, and tells its user each answer that is not the one before.
// While Consul fails, the last answer holds, and the watch says why and since when. Main thread;
// the agent and the user outlive it.
//
//   constructor, start(), destructor; destroying it cancels what is under way
#pragma once

#include <optional>
#include <string>

#include "source/consul/agent.h"
#include "weir/task.h"

namespace weir::consul {

struct Trouble {
  Reason reason = Reason::NoAnswer;
  std::string detail;     // one line
  net::SteadyTime since;  // of this reason or another
};

// None of these may destroy the watch.
class WatchUser {
 public:
  // Nothing: it is used; else what is wrong with it, and what was used before holds on. May be
  // what was kept.
  virtual std::optional<std::string> onBody(const std::string& body) = 0;
  // Watch::trouble() began, has another reason, or is over.
  virtual void onTrouble() {}
  // Something has changed at Consul, perhaps not the body. After onBody().
  virtual void onMoved() {}
  // The answer depends on the checks of one of these.
  virtual bool isOf(const std::set<std::string_view>& /*services*/,
                    const std::set<std::string_view>& /*nodes*/) const {
    return false;
  }

 protected:
  ~WatchUser() = default;
};

class Watch final : private net::TimerUser {
 public:
  // `label`: for the log and statistics ("web"), unlike that of other watches.
  Watch(Agent& agent, std::string label, Question question, WatchUser& user);
  Watch(const Watch&) = delete;
  ~Watch();

  void start();

  const std::string& label() const { return label_; }
  const std::optional<Trouble>& trouble() const { return trouble_; }
  // When Consul last said something that is used, new or not; nothing: it did not yet.
  std::optional<net::SteadyTime> answered() const { return answered_; }
  // By the user, in onBody(): a later process uses that body until Consul has answered it, where
  // the agent has a directory for it.
  void keep(const std::string& body) const;
  // When what is in use was kept by an earlier process; nothing: Consul said it to this one.
  std::optional<std::chrono::system_clock::time_point> kept() const { return kept_; }
  // Since when Consul has not confirmed what is in use; 0 while it does, or nothing is in use.
  std::chrono::seconds age() const;
  // Where places are shared: after an answer that is news it is asked once more, as those who say
  // whom to ask may have looked away for that long.
  static constexpr std::chrono::milliseconds kAgain = Query::kLongestPause + Query::kPause;
  // An earlier process's answer is not waited with any longer than this for Consul's own.
  static constexpr std::chrono::seconds kPatience{1};
  // Consul's, of what is in use; 0: it was not asked, failed, or gives none.
  uint64_t index() const { return query_.index(); }

 private:
  friend class Agent;

  struct Stats {
    explicit Stats(const StatScope& scope);
    Counter attempt, success, failure, no_rebuild, acl_error;
    Gauge age;
  };

  Task<Done> run();
  bool sharesPlaces() const { return query_.question().blocks && !query_.question().standing; }
  // Not one that asks by itself, first or after a failure.
  void askSoon();
  // How long to wait before the next question.
  std::chrono::milliseconds take(CallResult result, net::SteadyTime asked);
  void succeed();
  void fail(const Taken& taken);
  void useKept();
  void onTimer() override { useKept(); }
  std::string file() const;
  void showAge() const { stats_.age.set(static_cast<uint64_t>(age().count())); }

  Agent& agent_;
  const std::string label_;
  WatchUser& user_;
  const Stats stats_;
  Query query_;
  std::optional<Trouble> trouble_;
  std::optional<net::SteadyTime> answered_;
  std::optional<std::chrono::system_clock::time_point> kept_;
  bool looked_ = false;      // for what was kept
  bool using_kept_ = false;  // at this moment
  net::Timer kept_timer_{*this};
  bool soon_ = false;   // the next question is not put behind others
  bool asked_ = false;  // Consul has the question
  std::optional<Task<Done>> running_;
};

}  // namespace weir::consul
