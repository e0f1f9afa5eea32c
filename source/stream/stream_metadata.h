// StreamMetadata is the facts that filters leave for each other: text by namespace and key, a
// handful at most, in the stream's arena. Worker thread only.
#pragma once

#include <string_view>

#include "weir/arena.h"
#include "weir/metadata.h"

namespace weir::stream {

class StreamMetadata final : public Metadata {
 public:
  void set(std::string_view space, std::string_view key, std::string_view value, Arena& arena);
  // Empty when nobody said so.
  std::string_view get(std::string_view space, std::string_view key) const;

  Found append(std::string& to, std::string_view space,
               std::span<const std::string> keys) const override;

 private:
  struct Fact {
    Fact(Fact* n, std::string_view s, std::string_view k, std::string_view v)
        : next(n), space(s), key(k), value(v) {}
    Fact* next;
    std::string_view space, key, value;
  };
  Fact* find(std::string_view space, std::string_view key) const;

  Fact* first_ = nullptr;
};

}  // namespace weir::stream
