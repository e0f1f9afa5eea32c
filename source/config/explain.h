// Says what Weir will not act on in a configuration it has accepted: `--mode validate` prints it,
// and a configuration is refused for what decides. Any thread.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "source/config/honoured_fields.h"
#include "weir/report.h"

namespace weir::config {

struct Ignored {
  std::string path;   // "static_resources.clusters[0].lb_policy"
  std::string field;  // "envoy.config.cluster.v3.Cluster.lb_policy", or a message's full name
  bool decides;       // who may pass, where traffic goes, or how it is protected
  std::string text;   // what to tell the operator
};

// Every set field, also inside Any and TypedStruct, that `table` does not honour; what is below
// such a field is not listed again.
std::vector<Ignored> listIgnored(const google::protobuf::Message& message,
                                 const HonouredFields& table = HonouredFields::builtin());

// The same into a report: an error for what decides, a warning for what is harmless.
void reportIgnored(const google::protobuf::Message& message, const Where& at,
                   const HonouredFields& table = HonouredFields::builtin());

}  // namespace weir::config
