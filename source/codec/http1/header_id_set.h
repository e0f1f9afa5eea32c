// A HeaderIdSet is a set of common header names: one bit an id, so that asking is one test.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "weir/fields.h"

namespace weir::codec {

class HeaderIdSet {
 public:
  constexpr HeaderIdSet(std::initializer_list<HeaderId> ids) {
    for (HeaderId id : ids) add(id);
  }
  constexpr void add(HeaderId id) { bits_ |= uint64_t{1} << static_cast<int>(id); }
  constexpr bool has(HeaderId id) const { return (bits_ >> static_cast<int>(id) & 1) != 0; }

 private:
  uint64_t bits_ = 0;
};

}  // namespace weir::codec
