#include "source/live/scopes_life.h"

#include <algorithm>
#include <set>
#include <utility>

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {

ScopesLife::ScopesLife(const Parts& parts, std::shared_ptr<stream::Hcm> hcm, Callbacks callbacks)
    : RouteLife(parts, std::move(hcm), std::move(callbacks)),
      scope_(
          plan_->filter_scope.scope("scoped_rds").tagged(spec().name, "envoy_scoped_rds_config")),
      reloads_(scope_.counter("config_reload")),
      reload_time_(scope_.gauge("config_reload_time_ms")),
      all_(scope_.gauge("all_scopes")),
      active_(scope_.gauge("active_scopes")),
      on_demand_(scope_.gauge("on_demand_scopes")) {}

ScopesLife::~ScopesLife() { parts_.loop.cancelTurnEnd(*this); }

void ScopesLife::begin() {
  spec().scopes ? followScopes() : beginList();
  onTurnEnd();
}

// They were checked when the listener was.
void ScopesLife::beginList() {
  Report report;
  for (const auto& proto : spec().list) {
    auto scope = stream::readScope(proto, *plan_, Where(report), parts_.context, true);
    if (!scope) continue;
    Entry& entry = entries_[scope->name];
    entry.on_demand = proto.on_demand();
    entry.scope = *std::move(scope);
  }
  answered_ = true;
  followRoutes();
  updated_ = std::chrono::system_clock::now();
}

// What another listener has asked for already is used at once.
void ScopesLife::followScopes() {
  Report report;
  xds::TypeState* state =
      parts_.sources.find(*spec().scopes, xds::ResourceType::ScopedRoutes, Where(report));
  if (state == nullptr) return onFetchTimeout();
  srds_ = xds::Watch::make(
      *state, parts_.loop,
      xds::Watch::Wish{xds::Watch::Kind::All, {}, xds::Sources::patienceOf(*spec().scopes), scope_},
      *this);
  if (!srds_->answered()) return;
  std::vector<xds::Refusal> refusals;
  onUpdate({state->version(), srds_->known(), {}}, refusals);
  for (const xds::Refusal& refusal : refusals) {
    logNamed("config").error("scope '{}': {}", refusal.name, refusal.text);
  }
}

void ScopesLife::onFetchTimeout() {
  answered_ = true;
  change();
}

void ScopesLife::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  answered_ = true;
  Changes changes;
  for (const xds::ResourcePtr& resource : update.resources) {
    if (auto why = read(resource, changes)) refusals.push_back({resource->name, *std::move(why)});
  }
  refuseConflicts(update, changes, refusals);
  for (const std::string& name : update.removed) entries_.erase(name);
  for (auto& [name, entry] : changes) {
    Entry& kept = entries_[name];
    entry.in_force = std::move(kept.in_force);
    kept = std::move(entry);
  }
  followRoutes();
  updated_ = std::chrono::system_clock::now();
  reloads_.add();
  reload_time_.set(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(updated_.time_since_epoch()).count()));
  change();
}

std::optional<std::string> ScopesLife::read(const xds::ResourcePtr& resource,
                                            Changes& changes) const {
  stream::ScopedRouteConfiguration proto;
  if (auto why = parse(*resource, proto)) return why;
  Report report;
  auto scope = stream::readScope(proto, *plan_, Where(report), parts_.context, false);
  if (!scope) return wordsOf(report);
  if (!scope->routes.empty() && !spec().routes) {
    return "route_configuration_name: the listener has no rds_config_source to ask for these "
           "routes";
  }
  Entry entry;
  entry.scope = *std::move(scope);
  entry.resource = resource;
  entry.on_demand = proto.on_demand();
  changes.emplace(resource->name, std::move(entry));
  return std::nullopt;
}

// Two scopes with one key would take each other's requests. What a refused one keeps may be what
// another one wants, so all is looked at again.
void ScopesLife::refuseConflicts(const xds::Update& update, Changes& changes,
                                 std::vector<xds::Refusal>& refusals) const {
  const std::set<std::string_view> removed(update.removed.begin(), update.removed.end());
  for (bool again = true; std::exchange(again, false);) {
    std::map<std::string_view, std::string_view> owners;  // names by key
    for (const auto& [name, entry] : entries_) {
      if (!removed.contains(name) && !changes.contains(name)) owners[entry.scope.key] = name;
    }
    for (auto at = changes.begin(); at != changes.end();) {
      const auto [owner, is_free] = owners.emplace(at->second.scope.key, at->first);
      if (is_free) {
        ++at;
        continue;
      }
      refusals.push_back({at->first, "key: scope '" + std::string(owner->second) + "' has it"});
      at = changes.erase(at);
      again = true;
    }
  }
}

// More is asked for before less is, so that what two scopes name one after the other stays.
void ScopesLife::followRoutes() {
  std::set<std::string> wanted;
  for (const auto& [name, entry] : entries_) {
    if (!entry.scope.routes.empty()) wanted.insert(entry.scope.routes);
  }
  for (const std::string& name : wanted) {
    auto& routes = routes_[name];
    if (routes != nullptr) continue;
    routes = std::make_unique<RouteSubscription>(
        parts_, stream::RdsSpec{*spec().routes, name}, plan_,
        RouteSubscription::Callbacks{[this] { change(); }, [this] { change(); }});
    routes->start();
  }
  std::erase_if(routes_, [&](const auto& each) { return !wanted.contains(each.first); });
  count();
}

void ScopesLife::change() {
  changed_ = true;
  parts_.loop.atTurnEnd(*this);
}

void ScopesLife::onTurnEnd() {
  if (std::exchange(changed_, false)) publish();
  const auto warm = [](const auto& each) { return each.second->warm(); };
  if (answered_ && std::all_of(routes_.begin(), routes_.end(), warm)) becomeWarm();
}

// Where a scope's former key has come to another one, it is the other's.
void ScopesLife::publish() {
  std::unordered_map<std::string, std::shared_ptr<const stream::HcmPlan>> by_key;
  for (auto& [name, entry] : entries_) {
    stream::Scope now = entry.scope;
    if (now.plan == nullptr) now.plan = routes_.at(now.routes)->plan();
    if (now.plan != nullptr) {
      by_key[now.key] = now.plan;
      entry.in_force = std::move(now);
    } else if (entry.in_force.plan != nullptr) {
      by_key.emplace(entry.in_force.key, entry.in_force.plan);
    }
  }
  replace(stream::withScopes(*plan_, std::move(by_key)));
}

void ScopesLife::count() const {
  const auto on_demand = std::count_if(entries_.begin(), entries_.end(),
                                       [](const auto& each) { return each.second.on_demand; });
  all_.set(entries_.size());
  active_.set(entries_.size());
  on_demand_.set(static_cast<uint64_t>(on_demand));
}

std::vector<const RouteSubscription*> ScopesLife::subscriptions() const {
  std::vector<const RouteSubscription*> all;
  for (const auto& [name, routes] : routes_) all.push_back(routes.get());
  return all;
}

std::vector<std::string> ScopesLife::waitsFor() const {
  std::vector<std::string> all;
  if (warm()) return all;
  if (!answered_) all.push_back("srds " + spec().name);
  for (const auto& [name, routes] : routes_) {
    if (!routes->warm()) all.push_back(routes->waitsFor());
  }
  return all;
}

}  // namespace weir::live
