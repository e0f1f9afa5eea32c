#include "source/live/virtual_hosts.h"

#include <iterator>
#include <utility>

#include "source/live/log.h"
#include "source/live/refused.h"

namespace weir::live {

VirtualHosts::VirtualHosts(ConfigSource source, const std::string& routes, const StatScope& scope,
                           Callbacks callbacks)
    : source_(std::move(source)),
      prefix_(routes + "/"),
      scope_(scope.scope("vhds").tagged(routes, "envoy_rds_route_config")),
      callbacks_(std::move(callbacks)),
      reloads_(scope_.counter("config_reload")),
      empty_(scope_.counter("update_empty")) {}

VirtualHosts::~VirtualHosts() = default;

bool VirtualHosts::isFrom(const ConfigSource& source) const {
  return source.SerializeAsString() == source_.SerializeAsString();
}

// What came before, when others had asked for everything, is used at once.
void VirtualHosts::start(net::Loop& loop, xds::Sources& sources) {
  Report report;
  xds::TypeState* state = sources.find(source_, xds::ResourceType::VirtualHost, Where(report));
  if (state == nullptr) return settle();
  watch_ = xds::Watch::make(*state, loop,
                            xds::Watch::Wish{xds::Watch::Kind::Prefix, prefix_,
                                             xds::Sources::patienceOf(source_), scope_},
                            *this);
  if (!watch_->answered()) return;
  std::vector<xds::Refusal> refusals;
  onUpdate({state->version(), watch_->known(), {}}, refusals);
  for (const xds::Refusal& refusal : refusals) {
    logNamed("config").error("virtual host '{}': {}", refusal.name, refusal.text);
  }
}

// Without an answer the route configuration's own are all there are.
void VirtualHosts::onFetchTimeout() {
  if (const auto why = callbacks_.take(all_)) {
    logNamed("config").error("virtual hosts of '{}': {}", prefix_, *why);
  }
  settle();
}

// A domain may pass from one to another in one answer, so all are tried
// together first.
void VirtualHosts::onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) {
  ByName kept = all_, fresh;
  for (const std::string& name : update.removed) kept.erase(name);
  for (const xds::ResourcePtr& resource : update.resources) {
    VirtualHost host;
    if (auto why = parse(*resource, host)) {
      refusals.push_back({resource->name, *std::move(why)});
    } else {
      fresh[resource->name] = std::move(host);
    }
  }
  (update.resources.empty() && update.removed.empty() ? empty_ : reloads_).add();
  ByName together = kept;
  for (const auto& [name, host] : fresh) together[name] = host;
  if (!callbacks_.take(together)) {
    all_ = std::move(together);
  } else {
    takeEach(std::move(kept), std::move(fresh), refusals);
  }
  settle();
}

// Halves are tried together, so that one bad host of many costs few attempts; and what was refused
// is tried again when others have made room.
void VirtualHosts::takeEach(ByName kept, ByName fresh, std::vector<xds::Refusal>& refusals) {
  std::vector<xds::Refusal> why;
  for (size_t before = fresh.size() + 1; !fresh.empty() && fresh.size() < before;) {
    before = fresh.size();
    why.clear();
    ByName refused;
    takeSome(kept, fresh, refused, why);
    fresh = std::move(refused);
  }
  std::move(why.begin(), why.end(), std::back_inserter(refusals));
  // Where none was good, what is gone is gone all the same.
  if (const auto bad = callbacks_.take(kept)) {
    logNamed("config").error("virtual hosts of '{}': {}", prefix_, *bad);
    return;
  }
  all_ = std::move(kept);
}

void VirtualHosts::takeSome(ByName& kept, const ByName& some, ByName& refused,
                            std::vector<xds::Refusal>& why) {
  ByName tried = kept;
  for (const auto& [name, host] : some) tried[name] = host;
  auto bad = callbacks_.take(tried);
  if (!bad) {
    kept = std::move(tried);
  } else if (some.size() == 1) {
    refused.insert(*some.begin());
    why.push_back({some.begin()->first, *std::move(bad)});
  } else {
    const auto half = std::next(some.begin(), static_cast<ptrdiff_t>(some.size() / 2));
    takeSome(kept, ByName(some.begin(), half), refused, why);
    takeSome(kept, ByName(half, some.end()), refused, why);
  }
}

void VirtualHosts::settle() {
  if (!std::exchange(settled_, true)) callbacks_.settled();
}

}  // namespace weir::live
