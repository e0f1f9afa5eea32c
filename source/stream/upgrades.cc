#include "source/stream/upgrades.h"

#include <algorithm>

namespace weir::stream {

std::string_view upgradeType(const RequestHead& head) {
  if (head.method == Method::Connect) return "CONNECT";
  std::string_view type;
  for (const Field& field : head.fields) {
    if (field.id != HeaderId::Upgrade || field.value().empty()) continue;
    if (!type.empty()) return {};  // two of them are a list, of which the origin would choose
    type = field.value();
  }
  return type;
}

bool endsConnect(const router::ClusterAction& action) {
  return std::any_of(action.upgrades.begin(), action.upgrades.end(),
                     [](const router::Upgrade& upgrade) { return upgrade.ends_connect; });
}

const Upgrades::Entry* Upgrades::find(std::string_view type) const {
  const auto same = [type](const Entry& entry) { return equalsIgnoreCase(entry.type, type); };
  const auto found = std::find_if(entries_.begin(), entries_.end(), same);
  return found == entries_.end() ? nullptr : &*found;
}

bool Upgrades::ignores(std::string_view type) const {
  if (equalsIgnoreCase(type, "h2c")) return true;
  return std::any_of(ignored_.begin(), ignored_.end(),
                     [type](const StringMatcher& matcher) { return matcher.matches(type); });
}

bool Upgrades::allows(std::string_view type, const router::Route* route) const {
  if (equalsIgnoreCase(type, "h2c")) return false;  // of an HTTP/2 client: there is no such thing
  const router::ClusterAction* action = route == nullptr ? nullptr : route->cluster();
  if (action != nullptr) {
    for (const router::Upgrade& own : action->upgrades) {
      if (equalsIgnoreCase(own.type, type)) return own.enabled;
    }
  }
  const Entry* entry = find(type);
  return entry != nullptr && entry->enabled;
}

const Chains* Upgrades::chainsOf(std::string_view type) const {
  const Entry* entry = find(type);
  return entry == nullptr ? nullptr : entry->chains.get();
}

}  // namespace weir::stream
