#include "source/config/field_walk.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <memory>
#include <string>
#include <vector>

#include "source/config/any.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

// Any holds Any holds Any: protobuf's own recursion limit starts anew in each.
constexpr int kMaxAnyDepth = 32;

class Walk {
 public:
  explicit Walk(FieldVisitor& visitor) : visitor_(visitor) {}

  void message(const pb::Message& message, const Where& at) {
    const pb::Descriptor& type = *message.GetDescriptor();
    if (type.well_known_type() == pb::Descriptor::WELLKNOWNTYPE_ANY) return any(message, at);
    if (type.well_known_type() != pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED) return;
    if (!visitor_.message(message, at)) return;
    std::vector<const pb::FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    for (const pb::FieldDescriptor* set : fields) {
      const Where there = at.field(set->name());
      if (visitor_.field(message, *set, there)) field(message, *set, there);
    }
  }

 private:
  void field(const pb::Message& holder, const pb::FieldDescriptor& field, const Where& at) {
    if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return;
    const pb::Reflection& reflection = *holder.GetReflection();
    if (!field.is_repeated()) return message(reflection.GetMessage(holder, &field), at);
    for (int i = 0; i < reflection.FieldSize(holder, &field); ++i) {
      const pb::Message& item = reflection.GetRepeatedMessage(holder, &field, i);
      if (field.is_map()) {
        mapEntry(item, field, at);
      } else {
        message(item, at.index(static_cast<size_t>(i)));
      }
    }
  }

  void mapEntry(const pb::Message& entry, const pb::FieldDescriptor& field, const Where& at) {
    const pb::FieldDescriptor* value = field.message_type()->map_value();
    if (value->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return;
    const pb::FieldDescriptor* key = field.message_type()->map_key();
    const pb::Reflection& reflection = *entry.GetReflection();
    const bool named = key->cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING;
    const std::string name = named ? reflection.GetString(entry, key) : "…";
    message(reflection.GetMessage(entry, value), at.key(name));
  }

  void any(const pb::Message& message, const Where& at) {
    pb::Any any;
    if (!any.ParseFromString(message.SerializeAsString()) || any.type_url().empty()) return;
    const std::string type = anyTypeName(any);
    const auto inner = depth_ < kMaxAnyDepth ? makeMessage(message, type) : nullptr;
    Report unheard;
    if (inner == nullptr || !unpackAny(any, *inner, Where(unheard))) {
      return visitor_.closedAny(type, at);
    }
    ++depth_;
    this->message(*inner, at);
    --depth_;
  }

  FieldVisitor& visitor_;
  int depth_ = 0;
};

class UnknownFields final : public FieldVisitor {
 public:
  explicit UnknownFields(bool allowed) : allowed_(allowed) {}

  bool message(const pb::Message& message, const Where& at) override {
    const auto& unknown = message.GetReflection()->GetUnknownFields(message);
    for (int i = 0; i < unknown.field_count(); ++i) {
      const std::string number = std::to_string(unknown.field(i).number());
      const std::string& type = message.GetDescriptor()->full_name();
      if (allowed_) {
        at.warning("unknown field number " + number + " of " + type + ", ignored");
      } else {
        at.error("unknown field number " + number + " of " + type);
      }
    }
    return true;
  }
  bool field(const pb::Message&, const pb::FieldDescriptor&, const Where&) override { return true; }
  void closedAny(const std::string&, const Where&) override {}

 private:
  const bool allowed_;
};

}  // namespace

void walkFields(const google::protobuf::Message& message, const Where& at, FieldVisitor& visitor) {
  Walk(visitor).message(message, at);
}

void reportUnknownFields(const google::protobuf::Message& message, const Where& at, bool allowed) {
  UnknownFields visitor(allowed);
  walkFields(message, at, visitor);
}

}  // namespace weir::config
