// Reads the values of a disk_layer: each file below a directory is a key, directories nest with
// dots ("health_check/min_interval" is health_check.min_interval). Lines that begin with # are
// remarks. Main thread, at start and when the directory is swapped.
#pragma once

#include <optional>
#include <string>

#include "source/runtime/values.h"

namespace weir::runtime {

// Nothing: there is no such directory. The error's field is the file or directory that cannot be
// read.
Result<std::optional<Values>> readDirectory(const std::string& path);

}  // namespace weir::runtime
