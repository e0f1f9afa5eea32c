// A Source is a place where resources come from: a control plane, a directory, a file. Main thread;
// it outlives the watches on it.
#pragma once

#include "source/xds/type_state.h"

namespace weir::xds {

class Source {
 public:
  virtual ~Source() = default;
  virtual TypeState& of(ResourceType type) = 0;
};

}  // namespace weir::xds
