// A Registration is Weir as a service of its own agent: registered from start() until leave(), and
// again whenever the agent has lost it, as one does that kept nothing on disk. Main thread; the
// agent outlives it.
//
//   constructor, start()?, leave()?, destructor; destroying it cancels what is under way, and
//   leaves the agent as it is
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "source/consul/agent.h"
#include "source/net/address.h"
#include "weir/task.h"

namespace weir::consul {

class Registration {
 public:
  // Between two looks whether the agent has it still.
  static constexpr std::chrono::seconds kLook{10};
  static constexpr rpc::BackOff::Bounds kBackOff{std::chrono::milliseconds(500), kLook};
  // For the agent to take note that Weir leaves.
  static constexpr std::chrono::seconds kFarewell{1};

  // Where Weir is found, for what the settings do not say.
  struct Found {
    uint16_t port = 0;   // of the first listener; 0: it has none
    net::Address admin;  // where it listens
  };

  Registration(Agent& agent, RegistrationSettings settings);
  Registration(const Registration&) = delete;
  ~Registration();

  void start(const Found& at);
  // Ends what start() began. `done` once, perhaps at once: when the agent has answered, or
  // kFarewell is over. It must not destroy the registration.
  void leave(std::function<void()> done);

 private:
  Task<Done> run();
  Task<Done> sayFarewell(std::function<void()> done);
  CallRequest request() const;
  // How long to wait before the next question.
  std::chrono::milliseconds take(const CallResult& result);
  void setRegistered(bool registered);
  void say(bool good, const std::string& what) const;

  Agent& agent_;
  const RegistrationSettings settings_;
  std::string body_;               // what the agent is told
  bool registered_ = false;        // as far as is known
  std::optional<Reason> trouble_;  // that was said in the log
  rpc::BackOff back_off_;
  Gauge registered_gauge_;
  Counter success_, failure_;
  std::optional<Task<Done>> running_;
};

}  // namespace weir::consul
