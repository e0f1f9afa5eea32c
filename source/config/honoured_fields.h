// HonouredFields is the table of what Weir acts on: honoured_fields.txt, compiled in. A set field
// that it does not name is one Weir would silently ignore, so it must be said, and refused where it
// could decide who may pass, where traffic goes or how it is protected. Immutable; any thread.
//
//   # comment
//   envoy.config.cluster.v3.Cluster
//     obeys: name connect_timeout lb_policy=ROUND_ROBIN|RANDOM
//     harmless: alt_stat_name
//
// `checked:` fields are read by code that refuses by name what it cannot honour (RouteTable,
// planCluster, each filter's Plan): the table says nothing of what is below them. `obeys: *` obeys
// all fields. `=` lists the values obeyed of an enum or boolean. What a message's entry does not
// name decides. google.protobuf types need no entry.
#pragma once

#include <google/protobuf/descriptor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weir/result.h"

namespace weir::config {

class HonouredFields {
 public:
  struct Rule {
    bool obeyed = false;              // else harmless
    bool checked = false;             // by its reader; nothing below it is looked up here
    std::vector<std::string> values;  // if not empty, the only ones obeyed
  };

  static Result<HonouredFields> parse(std::string_view text);
  // honoured_fields.txt. It is ours: that it parses is checked by its test.
  static const HonouredFields& builtin();

  bool knows(const google::protobuf::Descriptor& message) const;
  // Null: the field decides.
  const Rule* find(const google::protobuf::FieldDescriptor& field) const;

  // Messages, fields and values of the table that `pool` does not have: misspelt or removed.
  std::vector<std::string> unknownNames(const google::protobuf::DescriptorPool& pool) const;

 private:
  struct Message {
    bool all = false;
    std::map<std::string, Rule, std::less<>> fields;
  };
  std::map<std::string, Message, std::less<>> messages_;
};

}  // namespace weir::config
