#include "source/stream/stream_metadata.h"

#include <map>

#include "source/telemetry/json_text.h"

namespace weir::stream {

StreamMetadata::Fact* StreamMetadata::find(std::string_view space, std::string_view key) const {
  for (Fact* fact = first_; fact != nullptr; fact = fact->next) {
    if (fact->space == space && fact->key == key) return fact;
  }
  return nullptr;
}

void StreamMetadata::set(std::string_view space, std::string_view key, std::string_view value,
                         Arena& arena) {
  if (Fact* fact = find(space, key)) {
    fact->value = arena.copy(value);
    return;
  }
  first_ = arena.make<Fact>(first_, arena.copy(space), arena.copy(key), arena.copy(value));
}

std::string_view StreamMetadata::get(std::string_view space, std::string_view key) const {
  const Fact* fact = find(space, key);
  return fact == nullptr ? std::string_view() : fact->value;
}

Metadata::Found StreamMetadata::append(std::string& to, std::string_view space,
                                       std::span<const std::string> keys) const {
  if (keys.size() == 1) {
    const Fact* fact = find(space, keys.front());
    if (fact == nullptr) return Found::Nothing;
    to.append(fact->value);
    return Found::Text;
  }
  if (!keys.empty()) return Found::Nothing;  // a fact is text, nothing stands below it
  std::map<std::string_view, std::string_view> members;
  for (const Fact* fact = first_; fact != nullptr; fact = fact->next) {
    if (fact->space == space) members.emplace(fact->key, fact->value);
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

}  // namespace weir::stream
