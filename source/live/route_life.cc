#include "source/live/route_life.h"

#include <utility>

#include "source/live/scopes_life.h"

namespace weir::live {
namespace {

// Of a manager with one route configuration.
class RdsLife final : public RouteLife {
 public:
  RdsLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm, Callbacks callbacks)
      : RouteLife(parts, std::move(hcm), std::move(callbacks)),
        routes_(parts, *plan_->rds, plan_,
                {[this] { replace(routes_.plan()); }, [this] { becomeWarm(); }}) {}

 private:
  void begin() override { routes_.start(); }
  std::vector<const RouteSubscription*> subscriptions() const override { return {&routes_}; }
  std::vector<std::string> waitsFor() const override {
    return warm() ? std::vector<std::string>() : std::vector{routes_.waitsFor()};
  }

  RouteSubscription routes_;
};

}  // namespace

std::shared_ptr<RouteLife> RouteLife::make(const Parts& parts, std::shared_ptr<stream::Hcm> hcm,
                                           Callbacks callbacks) {
  const stream::HcmPlan& plan = *hcm->plan();
  if (plan.rds != nullptr) {
    return std::make_shared<RdsLife>(parts, std::move(hcm), std::move(callbacks));
  }
  if (plan.scoped != nullptr) {
    return std::make_shared<ScopesLife>(parts, std::move(hcm), std::move(callbacks));
  }
  return nullptr;
}

}  // namespace weir::live
