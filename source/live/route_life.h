// A RouteLife brings a connection manager its routes from control planes, for as long as it lives:
// what they say becomes a plan that requests begin with from then on. Owned by the version of the
// listener that it belongs to; main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/live/route_subscription.h"
#include "source/stream/hcm.h"

namespace weir::live {

class ScopesLife;

class RouteLife {
 public:
  using Parts = RouteSubscription::Parts;
  struct Callbacks {
    // For every worker.
    std::function<void(const std::shared_ptr<stream::Hcm>&,
                       const std::shared_ptr<const stream::HcmPlan>&)>
        replace;
    std::function<void()> warm;  // once: answers have come, or none will be waited for
  };

  // For `hcm`, which no worker has yet. Null: its routes are its own.
  static std::shared_ptr<RouteLife> make(const Parts& parts, std::shared_ptr<stream::Hcm> hcm,
                                         Callbacks callbacks);
  RouteLife(const RouteLife&) = delete;
  virtual ~RouteLife() = default;

  // Once. Sources have been checked when the listener was.
  void start() {
    started_ = true;
    begin();
  }
  bool started() const { return started_; }
  bool warm() const { return warm_; }

  // --- for people
  virtual std::vector<const RouteSubscription*> subscriptions() const = 0;
  // "rds routes", of all that has not answered.
  virtual std::vector<std::string> waitsFor() const = 0;
  virtual const ScopesLife* scopes() const { return nullptr; }

 protected:
  RouteLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm, Callbacks callbacks)
      : parts_(parts),
        hcm_(std::move(hcm)),
        plan_(hcm_->plan()),
        callbacks_(std::move(callbacks)) {}
  virtual void begin() = 0;
  void replace(const std::shared_ptr<const stream::HcmPlan>& plan) {
    callbacks_.replace(hcm_, plan);
  }
  void becomeWarm() {
    if (!std::exchange(warm_, true)) callbacks_.warm();
  }

  const Parts parts_;
  const std::shared_ptr<stream::Hcm> hcm_;
  const std::shared_ptr<const stream::HcmPlan> plan_;  // as it was configured, without routes

 private:
  const Callbacks callbacks_;
  bool started_ = false, warm_ = false;
};

}  // namespace weir::live
