// A PlanBuild is what a Plan is built with: statistics, names to check, runtime keys, how to read
// messages inside an Any, state for each worker, and work in the background. Main thread only,
// while a configuration is loaded.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "weir/background.h"
#include "weir/per_worker.h"
#include "weir/result.h"
#include "weir/runtime.h"
#include "weir/stats.h"

namespace weir {

class PlanBuild {
 public:
  explicit PlanBuild(StatScope stats) : stats(std::move(stats)) {}
  virtual ~PlanBuild() = default;

  // Reads a message out of an Any, also when it travels as a TypedStruct.
  virtual Result<Done> unpack(const google::protobuf::Any&, google::protobuf::Message& into) = 0;
  // A name that is not (yet) a cluster is worth a warning where a filter depends on it.
  virtual bool hasCluster(std::string_view name) const = 0;
  virtual void warn(std::string_view field, std::string_view text) = 0;
  // For the Plan to keep and to read while requests come. See weir/runtime.h.
  virtual RuntimeKey runtime(std::string_view) { return {}; }
  // node.cluster of the bootstrap; may be empty.
  virtual std::string_view nodeCluster() const { return {}; }

  // For the Plan to keep; cancelled with it. See weir/background.h.
  virtual Background background(Background::Work work) = 0;
  template <typename T, typename... Args>
  PerWorker<T> perWorker(const Args&... args) const {
    return PerWorker<T>(workers(), args...);
  }
  virtual uint32_t workers() const { return 1; }

  StatScope stats;  // "http.<stat_prefix>."
};

}  // namespace weir
