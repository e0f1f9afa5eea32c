// A RouteLife brings a connection manager its routes from a control plane, for as long as it lives:
// each answer becomes a plan that requests begin with from then on. Owned by the listener's version
// that it belongs to; main thread.
#pragma once

#include <functional>
#include <memory>

#include "source/stream/hcm.h"
#include "source/stream/hcm_builder.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class RouteLife final : private xds::Watcher {
 public:
  struct Parts {
    net::Loop& loop;
    xds::Sources& sources;
    const stream::BuildContext& context;
  };
  struct Callbacks {
    // For every worker.
    std::function<void(const std::shared_ptr<stream::Hcm>&,
                       const std::shared_ptr<const stream::HcmPlan>&)>
        replace;
    std::function<void()> warm;  // once: an answer has come, or none will be waited for
  };

  // `plan` is the manager's, with rds.
  RouteLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm,
            std::shared_ptr<const stream::HcmPlan> plan, Callbacks callbacks);
  ~RouteLife();

  // Once. The source has been checked when the listener was.
  void start();
  bool started() const { return started_; }
  bool warm() const { return warm_; }
  const std::string& name() const { return plan_->rds->name; }
  // What the control plane said; null: it was not asked.
  const xds::TypeState* said() const { return watch_ == nullptr ? nullptr : &watch_->state(); }

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override { becomeWarm(); }
  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(const xds::Resource& resource);
  void becomeWarm();

  const Parts parts_;
  const std::shared_ptr<stream::Hcm> hcm_;
  const std::shared_ptr<const stream::HcmPlan> plan_;
  const Callbacks callbacks_;
  std::unique_ptr<xds::Watch> watch_;
  bool started_ = false, warm_ = false;
};

}  // namespace weir::live
