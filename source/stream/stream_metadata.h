// StreamMetadata is the facts that filters leave for each other: text by namespace and key, a
// handful at most, in the stream's arena.
#pragma once

#include <string_view>

#include "weir/arena.h"

namespace weir::stream {

class StreamMetadata {
 public:
  void set(std::string_view space, std::string_view key, std::string_view value, Arena& arena) {
    for (Fact* fact = first_; fact != nullptr; fact = fact->next) {
      if (fact->space != space || fact->key != key) continue;
      fact->value = arena.copy(value);
      return;
    }
    first_ = arena.make<Fact>(first_, arena.copy(space), arena.copy(key), arena.copy(value));
  }

  // Empty when nobody said so.
  std::string_view get(std::string_view space, std::string_view key) const {
    for (const Fact* fact = first_; fact != nullptr; fact = fact->next) {
      if (fact->space == space && fact->key == key) return fact->value;
    }
    return {};
  }

 private:
  struct Fact {
    Fact(Fact* n, std::string_view s, std::string_view k, std::string_view v)
        : next(n), space(s), key(k), value(v) {}
    Fact* next;
    std::string_view space, key, value;
  };
  Fact* first_ = nullptr;
};

}  // namespace weir::stream
