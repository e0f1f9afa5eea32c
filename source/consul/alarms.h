// Alarms follow Consul as a whole, by three questions, while there are more services than places,
// and have those asked at once that may have changed; all, when they know what fails at the start:
// - checks that are critical, or warn: the services and the nodes of those that began or ceased to;
// - services: each registration moves its index, but does not say whose, so all are asked, though
// not
//   more than kSwept in a second.
// In the agent's own datacenter, as far as the token may see it. Owned by the Agent; main thread.
#pragma once

#include <map>
#include <string>

#include "source/consul/watch.h"

namespace weir::consul {

class Alarms {
 public:
  static constexpr size_t kSwept = 200;

  explicit Alarms(Agent& agent);

 private:
  // Checks of one state.
  class Failing final : private WatchUser {
   public:
    Failing(Alarms& alarms, const std::string& status);

    bool known() const { return known_; }

   private:
    std::optional<std::string> onBody(const std::string& body) override;

    Alarms& alarms_;
    bool known_ = false;
    std::map<std::string, CheckPlace> checks_;  // by node, service and id
    Watch watch_;
  };

  class Registered final : private WatchUser, private net::TimerUser {
   public:
    explicit Registered(Agent& agent);

   private:
    std::optional<std::string> onBody(const std::string&) override { return std::nullopt; }
    void onMoved() override;
    void onTimer() override;

    Agent& agent_;
    bool known_ = false;
    net::SteadyTime next_{};  // not before
    net::Timer timer_;
    Watch watch_;
  };

  // What came between a service's list and this is in neither.
  void onKnown();

  Agent& agent_;
  Failing critical_, warning_;
  Registered registered_;
};

}  // namespace weir::consul
