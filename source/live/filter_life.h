// A FilterLife brings a connection manager the configurations of its filters that come from a
// control plane (ECDS), for as long as it lives: each answer becomes a plan that requests begin
// with from then on, in which all other filters are the same objects. Owned by the listener's
// version that it belongs to; main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/live/route_life.h"
#include "source/stream/filter_discovery.h"

namespace weir::live {

class FilterLife {
 public:
  using Callbacks = RouteLife::Callbacks;
  // A filter, and what the control plane said; null: it was not asked.
  struct Said {
    std::string name;
    const xds::TypeState* state;
  };

  FilterLife(const RouteLife::Parts& parts, std::shared_ptr<stream::Hcm> hcm,
             std::shared_ptr<const stream::HcmPlan> plan, Callbacks callbacks);
  ~FilterLife();

  // Whether the plan has a filter to ask for.
  static bool isNeededBy(const stream::HcmPlan& plan);

  // Once. The sources have been checked when the listener was.
  void start();
  bool started() const { return started_; }
  bool warm() const;
  // Other routes: `plan` has the filters as the listener was configured.
  void takeRoutes(std::shared_ptr<const stream::HcmPlan> plan);
  // Names of the filters that have no answer.
  std::vector<std::string> waitsFor() const;
  std::vector<Said> said() const;

 private:
  class One;

  using Found = std::map<size_t, stream::FoundFilter>;  // by place in the plan's filters

  // Nothing: it is in use; else why it is not.
  std::optional<std::string> take(size_t place, stream::FoundFilter found);
  std::optional<std::string> use(std::shared_ptr<const stream::HcmPlan> plan, Found found);
  void onAnswer();

  const RouteLife::Parts parts_;
  const std::shared_ptr<stream::Hcm> hcm_;
  std::shared_ptr<const stream::HcmPlan> plan_;
  const Callbacks callbacks_;
  Found found_;
  // What came last and could not be used with what was there.
  std::shared_ptr<const stream::HcmPlan> late_plan_;
  Found late_;
  std::vector<std::unique_ptr<One>> filters_;
  bool started_ = false, told_ = false;
};

}  // namespace weir::live
