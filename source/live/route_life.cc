#include "source/live/route_life.h"

#include <utility>

#include "source/live/refused.h"

namespace weir::live {

RouteLife::RouteLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm,
                     std::shared_ptr<const stream::HcmPlan> plan, Callbacks callbacks)
    : parts_(parts),
      hcm_(std::move(hcm)),
      plan_(std::move(plan)),
      callbacks_(std::move(callbacks)) {}

RouteLife::~RouteLife() = default;

// What another listener has asked for already is used at once.
void RouteLife::start() {
  started_ = true;
  const stream::RdsSpec& rds = *plan_->rds;
  Report report;
  xds::TypeState* state = parts_.sources.find(rds.source, xds::ResourceType::Routes, Where(report));
  if (state == nullptr) return becomeWarm();
  watch_ = xds::Watch::make(
      *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::Name, rds.name, xds::Sources::patienceOf(rds.source),
                       plan_->filter_scope.scope("rds").tagged(rds.name, "envoy_rds_route_config")},
      *this);
  const xds::ResourcePtr known = watch_->current();
  if (known != nullptr && !take(*known)) becomeWarm();
}

void RouteLife::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  becomeWarm();
}

std::optional<std::string> RouteLife::take(const xds::Resource& resource) {
  stream::RouteConfiguration proto;
  if (auto why = parse(resource, proto)) return why;
  Report report;
  auto next = stream::withRoutes(*plan_, proto, Where(report), parts_.context);
  if (next == nullptr) return wordsOf(report);
  callbacks_.replace(hcm_, next);
  return std::nullopt;
}

void RouteLife::becomeWarm() {
  if (!std::exchange(warm_, true)) callbacks_.warm();
}

}  // namespace weir::live
