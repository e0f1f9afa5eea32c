// An Outcome is what became of a response; Applying is how far one is that is applied in parts.
// Values; main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "source/xds/resource.h"

namespace weir::xds {

class TypeState;

struct Outcome {
  std::vector<Refusal> refusals;  // none: all of it is in use
  bool news = false;              // something is different afterwards
};

struct Applying {
  bool done = false;  // all is applied
  Outcome outcome;

 private:
  friend class TypeState;
  size_t next = 0;                 // of the resources
  bool changed = false;            // something in it was not there before
  std::vector<ResourcePtr> again;  // refused before, and to be tried again if there is news
  std::set<uint64_t> rejected;     // watches that hear nothing of what was refused before them
  // Who wants more than one name was told of a part; has refused something.
  bool wide_told = false, wide_refused = false;
};

}  // namespace weir::xds
