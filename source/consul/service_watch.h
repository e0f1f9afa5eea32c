// A ServiceWatch follows the instances of one service, or of one prepared query, in one datacenter,
// and tells its users each list that is not the one before; an empty one, too. ServiceWatches makes
// them, so that all who want the same share one. Main thread; the agent and the users outlive it.
//
//   constructor, start(), destructor; add() and remove() at any time
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/consul/answer.h"
#include "source/consul/watch.h"

namespace weir::consul {

using InstancesPtr = std::shared_ptr<const std::vector<Instance>>;

// None of these may destroy the watch that calls it; its users may come and go.
class ServiceUser {
 public:
  virtual void onInstances(const InstancesPtr& instances) = 0;
  // Null: it is over. The last list stays current().
  virtual void onTrouble(const Trouble*) {}

 protected:
  ~ServiceUser() = default;
};

class ServiceWatch final : private WatchUser {
 public:
  // `datacenter`: one of service.datacenters.
  ServiceWatch(Agent& agent, const ServiceSettings& service, const std::string& datacenter);

  void start() { watch_.start(); }
  // Is told of what comes; current() is there to be looked at.
  void add(ServiceUser& user) { users_.insert(&user); }
  void remove(ServiceUser& user) { users_.erase(&user); }

  // Null: Consul has not said yet.
  const InstancesPtr& current() const { return current_; }
  const Watch& watch() const { return watch_; }

 private:
  std::optional<std::string> onBody(const std::string& body) override;
  bool isOf(const std::set<std::string_view>& services,
            const std::set<std::string_view>& nodes) const override;
  void onTrouble() override;
  StatScope scopeOf(const Agent& agent) const;
  template <typename Tell>
  void tellUsers(Tell tell);
  void tellDropped(const std::vector<Answer::Dropped>& dropped);

  const ReadOptions options_;
  const std::string service_;  // empty: not one of the agent's own datacenter
  std::set<ServiceUser*> users_;
  Agent& agent_;
  InstancesPtr current_;
  uint64_t hash_ = 0;
  std::string told_dropped_;
  Watch watch_;
  Counter empty_, no_rebuild_;
  Gauge left_out_;
};

using ServiceWatchPtr = std::shared_ptr<ServiceWatch>;

// Main thread; the agent outlives it, and it outlives the watches.
class ServiceWatches {
 public:
  explicit ServiceWatches(Agent& agent) : agent_(agent) {}

  Agent& agent() const { return agent_; }
  // The one that asks just that, started, which may know something already.
  ServiceWatchPtr follow(const ServiceSettings& service, const std::string& datacenter);

 private:
  Agent& agent_;
  std::map<std::string, std::weak_ptr<ServiceWatch>> watches_;  // by what is asked and read
};

}  // namespace weir::consul
