#include "source/live/route_subscription.h"

#include <utility>

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {
namespace {

// The whole of it: nobody is asked for more.
stream::RouteConfiguration withHosts(const stream::RouteConfiguration& proto,
                                     const VirtualHosts::ByName& hosts) {
  stream::RouteConfiguration whole = proto;
  whole.clear_vhds();
  for (const auto& [name, host] : hosts) *whole.add_virtual_hosts() = host;
  return whole;
}

StatScope scopeOf(const stream::HcmPlan& manager, const std::string& routes) {
  return manager.filter_scope.scope("rds").tagged(routes, "envoy_rds_route_config");
}

}  // namespace

RouteSubscription::RouteSubscription(const Parts& parts, stream::RdsSpec spec, PlanPtr base,
                                     Callbacks callbacks)
    : parts_(parts),
      spec_(std::move(spec)),
      base_(std::move(base)),
      callbacks_(std::move(callbacks)),
      update_held_(scopeOf(*base_, spec_.name).counter("update_held")),
      hold_(parts.loop, parts.coming, keyOf(parts.context.runtime, RouteHold::kRuntimeKey),
            [this](PlanPtr plan) {
              switchTo(std::move(plan));
              becomeWarm();
            }),
      former_names_(parts.loop) {}

RouteSubscription::~RouteSubscription() = default;

// What somebody else has asked for already is used at once.
void RouteSubscription::start() {
  Report report;
  xds::TypeState* state =
      parts_.sources.find(spec_.source, xds::ResourceType::Routes, Where(report));
  if (state == nullptr) return becomeWarm();
  watch_ = xds::Watch::make(
      *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::Name, spec_.name, xds::Sources::patienceOf(spec_.source),
                       scopeOf(*base_, spec_.name)},
      *this);
  const xds::ResourcePtr known = watch_->current();
  if (known == nullptr) return;
  if (const auto why = take(*known)) {
    logNamed("config").error("route configuration '{}': {}", spec_.name, *why);
  }
  becomeWarm();
}

void RouteSubscription::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = take(*resource)) refusals.push_back({resource->name, *std::move(why)});
  }
  becomeWarm();
}

std::optional<std::string> RouteSubscription::take(const xds::Resource& resource) {
  stream::RouteConfiguration proto;
  if (auto why = parse(resource, proto)) return why;
  if (proto.has_vhds()) return takeWithHosts(std::move(proto));
  if (auto why = use(proto)) return why;
  hosts_.reset();
  return std::nullopt;
}

// Virtual hosts that are known stay. Where they are to be asked for first, what is in use stays
// until they are there; so whether the rest can be used is found out now.
std::optional<std::string> RouteSubscription::takeWithHosts(stream::RouteConfiguration proto) {
  const VirtualHosts::ConfigSource source = proto.vhds().config_source();
  Report report;
  const Where at = Where(report).field("vhds").field("config_source");
  if (parts_.sources.find(source, xds::ResourceType::VirtualHost, at) == nullptr) {
    return wordsOf(report);
  }
  const bool known = hosts_ != nullptr && hosts_->isFrom(source);
  if (known && hosts_->settled()) {
    if (auto why = use(withHosts(proto, hosts_->all()))) return why;
    own_ = std::move(proto);
    return std::nullopt;
  }
  std::string why;
  if (build(withHosts(proto, {}), why) == nullptr) return why;
  own_ = std::move(proto);
  if (known) return std::nullopt;
  const auto former =
      std::exchange(hosts_, std::make_unique<VirtualHosts>(
                                source, spec_.name, base_->filter_scope,
                                VirtualHosts::Callbacks{[this](const VirtualHosts::ByName& hosts) {
                                                          return use(withHosts(own_, hosts));
                                                        },
                                                        [this] { becomeWarm(); }}));
  hosts_->start(parts_.loop, parts_.sources);
  return std::nullopt;
}

RouteSubscription::PlanPtr RouteSubscription::build(const stream::RouteConfiguration& proto,
                                                    std::string& why) const {
  Report report;
  auto plan = stream::withRoutes(*base_, proto, Where(report), parts_.context);
  if (plan == nullptr) why = wordsOf(report);
  return plan;
}

std::optional<std::string> RouteSubscription::use(const stream::RouteConfiguration& proto) {
  std::string why;
  PlanPtr next = build(proto, why);
  if (next == nullptr) return why;
  if (hold_.take(plan_.get(), next)) {
    update_held_.add();
  } else {
    switchTo(std::move(next));
  }
  return std::nullopt;
}

void RouteSubscription::switchTo(PlanPtr plan) {
  if (plan_ != nullptr) former_names_.add(plan_->clusters);
  plan_ = std::move(plan);
  callbacks_.changed();
}

std::string RouteSubscription::waitsFor() const {
  if (hold_.holds()) return "cluster " + hold_.waitsFor() + " of rds " + spec_.name;
  return (hosts_ == nullptr ? "rds " : "vhds ") + spec_.name;
}

std::unique_ptr<stream::RouteConfiguration> RouteSubscription::merged() const {
  if (hosts_ == nullptr) return nullptr;
  auto merged = std::make_unique<stream::RouteConfiguration>(withHosts(own_, hosts_->all()));
  *merged->mutable_vhds() = own_.vhds();
  return merged;
}

void RouteSubscription::becomeWarm() {
  if (hold_.holds() || (hosts_ != nullptr && !hosts_->settled())) return;
  if (!std::exchange(warm_, true)) callbacks_.warm();
}

}  // namespace weir::live
