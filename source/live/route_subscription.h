// A RouteSubscription is one route configuration of a control plane, for as long as a connection
// manager needs it: what RDS says of it, and the virtual hosts that VHDS adds where it asks for
// them, become the manager's plan with these routes. Main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "source/live/former_names.h"
#include "source/live/route_hold.h"
#include "source/live/virtual_hosts.h"
#include "source/stream/hcm_builder.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class RouteSubscription final : private xds::Watcher {
 public:
  struct Parts {
    net::Loop& loop;
    xds::Sources& sources;
    const stream::BuildContext& context;
    ComingClusters& coming;
  };
  struct Callbacks {
    std::function<void()> changed;  // there is a plan(), or another one
    std::function<void()> warm;     // once: an answer has come, or none will be waited for
  };
  using PlanPtr = std::shared_ptr<const stream::HcmPlan>;

  // `base` is the manager's plan, without routes.
  RouteSubscription(const Parts& parts, stream::RdsSpec spec, PlanPtr base, Callbacks callbacks);
  ~RouteSubscription();

  // Once. The source has been checked before.
  void start();
  bool warm() const { return warm_; }
  // Null: nothing that can be used has come yet.
  const PlanPtr& plan() const { return plan_; }
  const std::string& name() const { return spec_.name; }
  // What it waits for, such as "rds routes".
  std::string waitsFor() const;
  // What the control plane said; null: it was not asked.
  const xds::TypeState* said() const { return watch_ == nullptr ? nullptr : &watch_->state(); }

  // As it is in force, with the virtual hosts that were added; null: as it was sent.
  std::unique_ptr<stream::RouteConfiguration> merged() const;

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override { becomeWarm(); }
  // Nothing: it is in use, or will be when its virtual hosts are there; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource);
  std::optional<std::string> takeWithHosts(stream::RouteConfiguration proto);
  // Null, and `why` is set: it cannot be used.
  PlanPtr build(const stream::RouteConfiguration& proto, std::string& why) const;
  std::optional<std::string> use(const stream::RouteConfiguration& proto);
  void switchTo(PlanPtr plan);
  void becomeWarm();

  const Parts parts_;
  const stream::RdsSpec spec_;
  const PlanPtr base_;
  const Callbacks callbacks_;
  PlanPtr plan_;
  std::unique_ptr<xds::Watch> watch_;
  stream::RouteConfiguration own_;       // what RDS said last, where it asks for virtual hosts
  std::unique_ptr<VirtualHosts> hosts_;  // null: it does not
  const Counter update_held_;
  RouteHold hold_;
  FormerNames former_names_;
  bool warm_ = false;
};

}  // namespace weir::live
