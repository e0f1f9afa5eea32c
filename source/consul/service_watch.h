// A ServiceWatch follows the instances of one service, or of one prepared query, in one datacenter,
// and tells its user each list that is not the one before; an empty one, too. Main thread; the
// agent and the user outlive it.
//
//   constructor, start(), destructor
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/consul/answer.h"
#include "source/consul/watch.h"

namespace weir::consul {

using InstancesPtr = std::shared_ptr<const std::vector<Instance>>;

// None of these may destroy the watch.
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
  ServiceWatch(Agent& agent, const ServiceSettings& service, const std::string& datacenter,
               ServiceUser& user);

  void start() { watch_.start(); }

  // Null: Consul has not said yet.
  const InstancesPtr& current() const { return current_; }
  const Watch& watch() const { return watch_; }

 private:
  std::optional<std::string> onBody(const std::string& body) override;
  bool isOf(const std::set<std::string_view>& services,
            const std::set<std::string_view>& nodes) const override;
  void onTrouble() override { user_.onTrouble(watch_.trouble() ? &*watch_.trouble() : nullptr); }
  void tellDropped(const std::vector<Answer::Dropped>& dropped);

  const ReadOptions options_;
  const std::string service_;  // empty: not one of the agent's own datacenter
  ServiceUser& user_;
  Agent& agent_;
  InstancesPtr current_;
  uint64_t hash_ = 0;
  std::string told_dropped_;
  Watch watch_;
  Counter empty_;
  Gauge left_out_;
};

}  // namespace weir::consul
