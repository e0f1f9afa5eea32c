#include "source/live/listener_version.h"

#include <algorithm>
#include <utility>

namespace weir::live {
namespace {

// What `former` had of `key`; null: nothing.
template <typename Key, typename Life>
std::shared_ptr<Life> keptOf(const std::map<const Key*, std::shared_ptr<Life>>& former,
                             const Key* key) {
  const auto kept = former.find(key);
  return kept == former.end() ? nullptr : kept->second;
}

}  // namespace

void ListenerVersion::want(const Parts& parts, const ListenerVersion* former,
                           const RouteLife::Callbacks& callbacks) {
  const ListenerVersion none;
  const ListenerVersion& before = former == nullptr ? none : *former;
  const auto add = [&](const listener::FilterChainPtr& chain) {
    if (chain == nullptr) return;
    if (SecretLife::isNeeded(chain->tls.get())) {
      const transport::ReloadableTls* tls = chain->tls.get();
      auto life = keptOf(before.secrets, tls);
      if (life == nullptr) {
        life = std::make_shared<SecretLife>(parts.secrets, chain->tls, callbacks.warm);
      }
      secrets[tls] = std::move(life);
    }
    if (chain->hcm == nullptr) return;
    addHttp(parts.routes, before, chain->hcm, callbacks);
  };
  for (const auto& chain : plan->chains) add(chain);
  add(plan->default_chain);
}

// Routes that come pass through where the filters are known.
void ListenerVersion::addHttp(const RouteLife::Parts& parts, const ListenerVersion& before,
                              const std::shared_ptr<stream::Hcm>& hcm,
                              const RouteLife::Callbacks& callbacks) {
  const stream::Hcm* key = hcm.get();
  auto its_routes = keptOf(before.routes, key);
  auto its_filters = keptOf(before.filters, key);
  if (its_routes == nullptr && its_filters == nullptr) {
    // No worker has it yet, or it has all of its own, which nobody replaces.
    const std::shared_ptr<const stream::HcmPlan>& its = hcm->plan();
    RouteLife::Callbacks of_routes = callbacks;
    if (FilterLife::isNeededBy(*its)) {
      its_filters = std::make_shared<FilterLife>(parts, hcm, its, callbacks);
      of_routes.replace = [its_filters](const auto&, const auto& next) {
        its_filters->takeRoutes(next);
      };
    }
    its_routes = RouteLife::make(parts, hcm, std::move(of_routes));
  }
  if (its_routes != nullptr) routes[key] = std::move(its_routes);
  if (its_filters != nullptr) filters[key] = std::move(its_filters);
}

void ListenerVersion::start() const {
  for (const auto& [tls, life] : secrets) {
    if (!life->started()) life->start();
  }
  for (const auto& [hcm, life] : routes) {
    if (!life->started()) life->start();
  }
  for (const auto& [hcm, life] : filters) {
    if (!life->started()) life->start();
  }
}

bool ListenerVersion::warm() const {
  const auto is_warm = [](const auto& each) { return each.second->warm(); };
  return std::all_of(routes.begin(), routes.end(), is_warm) &&
         std::all_of(filters.begin(), filters.end(), is_warm) &&
         std::all_of(secrets.begin(), secrets.end(), is_warm);
}

}  // namespace weir::live
