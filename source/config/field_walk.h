// Visits every set field of a message and of the messages below it, looking into Any as well.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>

#include "weir/report.h"

namespace weir::config {

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  // Each message, before its fields: false skips them.
  virtual bool message(const google::protobuf::Message& message, const Where& at) = 0;
  // Each set field; false skips what is below it.
  virtual bool field(const google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor& field, const Where& at) = 0;
  // An Any whose type (of a TypedStruct: the type it names) is not linked in, or whose bytes do not
  // fit it.
  virtual void closedAny(const std::string& type, const Where& at) = 0;
};

// Looks into google.protobuf.Any, into no other type of google.protobuf.
void walkFields(const google::protobuf::Message& message, const Where& at, FieldVisitor& visitor);

// Reports fields that the descriptors do not know (binary configurations): an error each, or a
// warning if they are allowed.
void reportUnknownFields(const google::protobuf::Message& message, const Where& at, bool allowed);

}  // namespace weir::config
