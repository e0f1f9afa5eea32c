// Alarms follow the checks that fail, of all services at once, while there are more services than
// places: a service, or a node, of which a check begins or ceases to fail is asked at once. So
// an instance that dies is seen soon, however many share places. In the agent's own datacenter, as
// far as the token may see it. Owned by the Agent; main thread.
#pragma once

#include <map>
#include <string>

#include "source/consul/watch.h"

namespace weir::consul {

class Alarms {
 public:
  explicit Alarms(Agent& agent);

 private:
  // Those in one state.
  class Failing final : private WatchUser {
   public:
    Failing(Agent& agent, const std::string& status);

   private:
    std::optional<std::string> onBody(const std::string& body) override;

    Agent& agent_;
    bool known_ = false;
    std::map<std::string, CheckPlace> checks_;  // by node, service and id
    Watch watch_;
  };

  Failing critical_, warning_;
};

}  // namespace weir::consul
