// A LogSink takes what an access log has to say and is no file: a service, for one. LogSinks makes
// those of a configuration. Both are implemented above this folder, which knows neither clusters
// nor streams.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/plan_build.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::telemetry {

// Immutable, shared by all workers; what a worker keeps of it is the implementation's.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // On a worker, for what the log's filter let through; never waits.
  virtual void log(const StreamInfo& info) const = 0;
};

// Main thread.
class LogSinks {
 public:
  // The full name of a logger's configuration.
  virtual bool knows(std::string_view type) const = 0;
  // Null when errors were appended; their fields begin with `field`, the configuration's place.
  virtual std::shared_ptr<const LogSink> make(const google::protobuf::Any& config,
                                              std::string_view type, const std::string& field,
                                              PlanBuild& build, std::vector<Error>& errors) = 0;

 protected:
  ~LogSinks() = default;
};

}  // namespace weir::telemetry
