// The logs of this folder, by --component-log-level's names. A process that made no such logger has
// one log.
#pragma once

#include <spdlog/spdlog.h>

namespace weir::live {

inline spdlog::logger& logNamed(const char* name) {
  const auto named = spdlog::get(name);
  return named != nullptr ? *named : *spdlog::default_logger_raw();
}

inline spdlog::logger& upstreamLog() { return logNamed("upstream"); }

}  // namespace weir::live
