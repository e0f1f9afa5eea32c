// An Agent is Consul as all watches see it: how it is asked, how many questions may be under way,
// and whether it answers at all. While it does not, one watch at a time tries, after a back-off
// that all share; when it answers again all ask at once. Owned by the server; outlives its watches;
// main thread.
//
// Where there are more services than places, a question waits the shorter, so that each is asked
// every kRound; Alarms say which to ask at once. Questions that do not wait have places of their
// own, so that a new watch never stands behind the others; so have those of which there are only a
// few.
//
//   constructor, (begin() | watches come and go), destructor
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "source/consul/places.h"
#include "source/consul/query.h"
#include "source/consul/trouble_log.h"
#include "source/xds/state_directory.h"
#include "weir/stats.h"

namespace weir::consul {

class Alarms;
class Registration;
class Watch;

// Where a check is that changed its state: of a service, or of a whole node.
struct CheckPlace {
  std::string node, service;  // service empty: of the node
};

class Agent final : private net::TimerUser {
 public:
  static constexpr size_t kQuick = 16;  // places of questions that do not wait
  static constexpr std::chrono::seconds kRound{30};
  static constexpr std::chrono::seconds kTick{5};

  using Call = std::function<Pending<CallResult>(CallRequest)>;
  struct Parts {
    net::Loop& loop;
    Call call;  // stream::callThrough, with the main thread's services
    std::function<uint64_t()> random;
    StatScope scope;  // "consul."
    TroubleLog::Say say = TroubleLog::sayInLog;
    xds::StateDirectory* kept =
        nullptr;  // what it said, for a later process; null: nothing is kept
  };

  Agent(Parts parts, AgentSettings settings);
  ~Agent();

  // Questions wait until it is reachable at all. Once.
  void begin() { quick_.allow(kQuick); }
  const AgentSettings& settings() const { return settings_; }
  net::Loop& loop() { return parts_.loop; }
  const StatScope& scope() const { return parts_.scope; }
  // It said something since it last said nothing.
  bool answers() const { return !silent_; }
  size_t watches() const { return watches_.size(); }
  xds::StateDirectory* kept() const { return parts_.kept; }
  // "3 list(s) of Consul as they were saved at 2026-11-22 06:00:00 UTC"; empty: nothing is stale.
  std::string staleness() const;
  size_t services() const { return services_; }  // watches that share places
  // Those that do not wait at Consul already.
  void askAtOnce(const std::vector<CheckPlace>& changed);
  void askAllAtOnce();
  void say(bool good, const std::string& line) const { parts_.say(good, line); }

 private:
  friend class Registration;
  friend class Watch;

  void add(Watch& watch);
  void remove(Watch& watch);
  // `soon`: not behind those that share places.
  Pending<Places::Place> place(const Query& query, bool soon);
  Pending<CallResult> ask(Query& query, bool soon);
  // Whatever else it is asked; the token is added.
  Pending<CallResult> call(CallRequest request);
  void onAnswer();
  // What one refusal says for the next question, whoever asks it.
  void learn(Reason reason);
  // True: so it is for all; who failed need not wait, as no place is free before one may try.
  bool onFailure(Reason reason, net::SteadyTime asked);
  void onTimer() override { quick_.allow(1); }
  void onTick();
  bool crowded() const { return services_ > waiting_.most(); }
  std::chrono::milliseconds wait() const;
  void readTokenAgain();
  void fewerPlaces();

  struct Tick final : net::TimerUser {
    explicit Tick(Agent& of) : of(of) {}
    void onTimer() override { of.onTick(); }
    Agent& of;
  };

  const Parts parts_;
  const AgentSettings settings_;
  std::string token_;
  net::SteadyTime token_read_, fewer_since_{};
  TroubleLog log_;
  Places waiting_, quick_, standing_;
  std::set<Watch*> watches_;
  size_t services_ = 0;             // watches that share places
  std::unique_ptr<Alarms> alarms_;  // null: there is a place for each
  bool silent_ = false;
  net::SteadyTime answered_{};
  rpc::BackOff back_off_;
  net::Timer try_timer_;
  Tick tick_;
  net::Timer tick_timer_;
  Gauge connected_, watching_, troubled_;
  std::array<Counter, kReasons.size()> failures_;
};

}  // namespace weir::consul
