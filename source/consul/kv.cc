#include "source/consul/kv.h"

#include <utility>

namespace weir::consul {

std::optional<std::string> readPrefix(const v1::Kv& proto, const Where& at) {
  std::string prefix = proto.prefix().empty() ? "weir/" : proto.prefix();
  if (prefix.starts_with('/') || !prefix.ends_with('/')) {
    at.field("prefix").error(
        "expected a prefix such as 'weir/', with a slash at its end and none "
        "at its beginning, found '" +
        prefix + "'");
    return std::nullopt;
  }
  return prefix;
}

Kv::Kv(Agent& agent, std::string prefix, User user)
    : agent_(agent),
      prefix_(std::move(prefix)),
      user_(std::move(user)),
      watch_(agent, "keys below " + prefix_, keysBelow(prefix_, agent.settings()), *this) {}

std::optional<std::string> Kv::onBody(const std::string& body) {
  const auto keys = readKeys(body);
  if (!keys) {
    const Error& error = keys.error();
    return error.field.empty() ? error.text : error.field + ": " + error.text;
  }
  std::map<std::string, Known> known;
  std::set<std::string> strange;
  for (const KeyValue& each : *keys) {
    if (each.key.ends_with('/')) continue;  // a folder, as Consul's user interface makes them
    const bool below = each.key.starts_with(prefix_);
    const auto place =
        below ? placeOf(std::string_view(each.key).substr(prefix_.size())) : std::nullopt;
    if (place) {
      known.insert_or_assign(each.key, know(each, *place));
    } else {
      strange.insert(each.key);
    }
  }
  known_ = std::move(known);
  watch_.keep(body);
  tellStrange(std::move(strange));
  say();
  return std::nullopt;
}

Kv::Known Kv::know(const KeyValue& from, const KeyPlace& place) const {
  const size_t hash = std::hash<std::string>()(from.value);
  const auto found = known_.find(from.key);
  if (found != known_.end() && found->second.index == from.index && found->second.hash == hash) {
    return found->second;
  }
  Known known{place.type, from.index, hash, nullptr, {}};
  auto resource = readResource(from, place);
  if (resource) {
    known.resource = *std::move(resource);
  } else {
    known.refusal = {std::string(place.name), resource.error().text};
  }
  return known;
}

void Kv::say() const {
  for (const auto& [folder, type] : kFolders) {
    std::vector<xds::ResourcePtr> resources;
    std::vector<xds::Refusal> unreadable;
    for (const auto& [key, known] : known_) {
      if (known.type != type) continue;
      if (known.resource != nullptr) {
        resources.push_back(known.resource);
      } else {
        unreadable.push_back(known.refusal);
      }
    }
    user_.say(type, std::move(resources), std::move(unreadable));
  }
}

void Kv::tellStrange(std::set<std::string> strange) {
  constexpr size_t kNamed = 5;
  std::string names;
  size_t fresh = 0;
  for (const std::string& key : strange) {
    if (strange_.contains(key) || ++fresh > kNamed) continue;
    names += (names.empty() ? "'" : ", '") + key + "'";
  }
  strange_ = std::move(strange);
  if (fresh == 0) return;
  if (fresh > kNamed) names += " and " + std::to_string(fresh - kNamed) + " more";
  agent_.say(false, "consul: " + names + " is not used: expected '" + prefix_ +
                        "' and listeners/NAME, clusters/NAME, routes/NAME or runtime/NAME");
}

void Kv::onTrouble() {
  if (watch_.trouble() && !watch_.answered() && !watch_.kept()) user_.miss();
}

}  // namespace weir::consul
