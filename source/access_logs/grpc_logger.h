// A GrpcLogger is one log of a service, shared by all sinks that are configured to the same: for
// each worker that has something to say a LogStream, made when it says it first. Made on the main
// thread; it dies with the last plan that logs to it, on any thread, and its streams end soon
// after.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "source/access_logs/log_stream.h"

namespace weir::access_logs {

class GrpcLogger {
 public:
  GrpcLogger(std::shared_ptr<const LogSettings> settings, uint32_t workers)
      : settings_(std::move(settings)), streams_(workers) {}
  GrpcLogger(const GrpcLogger&) = delete;
  ~GrpcLogger();

  // The calling worker's. Null: the thread is no worker's, and what was to be logged is counted as
  // dropped.
  LogStream* here() const;

 private:
  const std::shared_ptr<const LogSettings> settings_;
  mutable std::vector<std::shared_ptr<LogStream>> streams_;  // each written by its worker only
};

}  // namespace weir::access_logs
