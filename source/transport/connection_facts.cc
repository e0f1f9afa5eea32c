#include "source/transport/connection_facts.h"

#include <map>
#include <utility>

#include "source/telemetry/json_text.h"

namespace weir::transport {

void ConnectionMetadata::set(std::string_view space, std::string_view key, std::string_view value) {
  for (Fact& fact : facts_) {
    if (fact.space == space && fact.key == key) {
      fact.value = value;
      return;
    }
  }
  facts_.push_back({std::string(space), std::string(key), std::string(value)});
}

const std::string* ConnectionMetadata::find(std::string_view space, std::string_view key) const {
  for (const Fact& fact : facts_) {
    if (fact.space == space && fact.key == key) return &fact.value;
  }
  return nullptr;
}

Metadata::Found ConnectionMetadata::append(std::string& to, std::string_view space,
                                           std::span<const std::string> keys) const {
  if (keys.size() == 1) {
    const std::string* value = find(space, keys.front());
    if (value == nullptr) return Found::Nothing;
    to.append(*value);
    return Found::Text;
  }
  if (!keys.empty()) return Found::Nothing;  // a fact is text, nothing stands below it
  std::map<std::string_view, std::string_view> members;
  for (const Fact& fact : facts_) {
    if (fact.space == space) members.emplace(fact.key, fact.value);
  }
  if (members.empty()) return Found::Nothing;
  char before = '{';
  for (const auto& [key, value] : members) {
    to.push_back(std::exchange(before, ','));
    telemetry::appendJsonString(to, key);
    to.push_back(':');
    telemetry::appendJsonString(to, value);
  }
  to.push_back('}');
  return Found::Json;
}

}  // namespace weir::transport
