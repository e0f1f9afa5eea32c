// A MessageReader carries one readProto() call: the tree, where problems go, and what encloses the
// node at hand. Recursion is bounded by the depth of the tree.
//
// message_reader.cc walks messages, fields, lists and maps; value_reader.cc reads one scalar;
// well_known.cc the types with a JSON form of their own; any_reader.cc Any and TypedStruct.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "source/config/proto_reader.h"
#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

class MessageReader {
 public:
  MessageReader(const Tree& tree, Report& report, ReadOptions options)
      : tree_(tree), report_(report), options_(options) {}

  void read(const Node& node, google::protobuf::Message& out, const Where& at);

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;
  using Descriptor = google::protobuf::Descriptor;

  // Messages, fields, lists, maps.
  void readFields(const Node& node, Message& out, const Where& at, bool inside_any = false);
  void readEntry(const Entry& entry, const Field& field, Message& out, const Where& at);
  void readList(const Node& node, const Field& field, Message& out, const Where& at);
  void readMap(const Node& node, const Field& field, Message& out, const Where& at);
  // Sets a singular field or appends to a repeated one.
  void readOne(const Node& node, const Field& field, Message& out, const Where& at);

  // Scalars.
  void readScalar(const Node& node, const Field& field, Message& out, const Where& at);
  void readNumber(const Node& node, const Field& field, Message& out, const Where& at);
  void readEnum(const Node& node, const Field& field, Message& out, const Where& at);

  // Types with a JSON form of their own. readWellKnown answers false for all others.
  bool readWellKnown(const Node& node, Message& out, const Where& at);
  void readDurationMessage(const Node& node, Message& out, const Where& at);
  void readTimestamp(const Node& node, Message& out, const Where& at);
  void readFieldMask(const Node& node, Message& out, const Where& at);
  void readStructure(const Node& node, Message& out, const Where& at);

  // Any.
  void readAny(const Node& node, Message& out, const Where& at);
  void readAnyPayload(const Node& node, Message& inner, const Where& at);
  void checkTypedStruct(const Node& node, const Message& out, const Where& at);
  void unknownType(const Node& type, std::string_view name, const Where& at);

  // Refuses what protobuf could write but not read again: `levels` more messages inside this one.
  bool fitsDepth(const Node& node, size_t levels, const Where& at);

  // Problems.
  void error(Position at, const Where& where, std::string text);
  void expected(const Node& found, const Where& at, std::string_view what);
  void unknownField(const Entry& entry, const Descriptor& type, const Where& at);
  std::string describe(const Node& node) const;
  // False once problems are only counted: a million of them must not cost a million searches.
  bool worthAHint() const { return report_.errors() < Report::kMaxKept; }

  const Tree& tree_;
  Report& report_;
  const ReadOptions options_;
  std::vector<const Descriptor*> open_;  // messages around the node at hand, outermost first
  size_t depth_ = 0;  // messages around the node in the same bytes: an Any starts anew
  int secret_ = 0;    // > 0 below a field whose value must not be shown
};

// The field a JSON key names: its proto name or its json_name. Null if there is none.
const google::protobuf::FieldDescriptor* findField(const google::protobuf::Descriptor& type,
                                                   std::string_view key);

// `text` fit for a message: quoted, at most `max` bytes, nothing that controls a terminal.
std::string shown(std::string_view text, size_t max = 40);

}  // namespace weir::config
