// Reads a Tree into a protobuf message by the proto3 JSON mapping, through reflection, so it serves
// every message whose descriptor is known. Collects every error instead of stopping at the first.
//
// Beyond the mapping: plain scalars feed string fields verbatim (`name: 007` is "007"), durations
// may have other units than seconds, and one value stands for a list of one. An Any is read through
// its `@type`; a TypedStruct stays one, but its contents are checked against the type it names.
#pragma once

#include <google/protobuf/message.h>

#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

struct ReadOptions {
  bool allow_unknown_fields = false;  // warn instead of refusing
};

// Adds to what `out` holds. Answers whether nothing was wrong; if something was, `out` holds the
// rest.
bool readProto(const Tree& tree, google::protobuf::Message& out, Report& report,
               ReadOptions options = {});

// The same for one node of the tree, where problems are reported below `at`.
bool readProto(const Tree& tree, const Node& node, google::protobuf::Message& out, const Where& at,
               ReadOptions options = {});

}  // namespace weir::config
