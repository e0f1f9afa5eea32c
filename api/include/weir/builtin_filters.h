// The filters that this build contains; the list is in filters/CMakeLists.txt.
#pragma once

#include "weir/filter_registry.h"

namespace weir {

// Once, at start, before any configuration is read.
void installBuiltinFilters(FilterRegistry& registry);

}  // namespace weir
