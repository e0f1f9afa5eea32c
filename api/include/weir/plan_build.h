// A PlanBuild is what a Plan is built with: statistics, names to check, and how to read messages
// inside an Any. Main thread only, while a configuration is loaded.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "weir/result.h"
#include "weir/stats.h"

namespace weir {

struct Done {};  // Result<Done>: success has nothing to say

class PlanBuild {
 public:
  explicit PlanBuild(StatScope stats) : stats(std::move(stats)) {}
  virtual ~PlanBuild() = default;

  // Reads a message out of an Any, also when it travels as a TypedStruct.
  virtual Result<Done> unpack(const google::protobuf::Any&, google::protobuf::Message& into) = 0;
  // A name that is not (yet) a cluster is worth a warning where a filter depends on it.
  virtual bool hasCluster(std::string_view name) const = 0;
  virtual void warn(std::string_view field, std::string_view text) = 0;
  // node.cluster of the bootstrap; may be empty.
  virtual std::string_view nodeCluster() const { return {}; }

  StatScope stats;  // "http.<stat_prefix>."
};

}  // namespace weir
