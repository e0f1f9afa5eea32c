#include "source/admin/field_mask.h"

#include <google/protobuf/any.pb.h>

#include "source/config/any.h"

namespace weir::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(separator));
    text.remove_prefix(part.size() < text.size() ? part.size() + 1 : part.size());
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

FieldMask::FieldMask(std::string_view comma_separated) {
  for (const std::string& path : split(comma_separated, ',')) paths_.push_back(split(path, '.'));
}

bool FieldMask::fits(const Message& message) const {
  for (const Path& path : paths_) {
    if (!path.empty() && message.GetDescriptor()->FindFieldByName(path.front()) != nullptr) {
      return true;
    }
  }
  return false;
}

void FieldMask::trim(Message& message) const { trim(message, paths_); }

void FieldMask::trim(Message& message, std::span<const Path> paths) {
  if (paths.empty()) return;
  if (auto* any = dynamic_cast<google::protobuf::Any*>(&message)) {
    const auto inner = config::makeMessage(*any, std::string(config::typeNameOf(any->type_url())));
    if (inner == nullptr || !any->UnpackTo(inner.get())) return;
    trim(*inner, paths);
    any->PackFrom(*inner);
    return;
  }
  const google::protobuf::Reflection& access = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  access.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    std::vector<Path> below;
    bool named = false;
    bool whole = false;
    for (const Path& path : paths) {
      if (path.empty() || path.front() != field->name()) continue;
      named = true;
      whole |= path.size() == 1;
      below.emplace_back(path.begin() + 1, path.end());
    }
    if (!named) {
      access.ClearField(&message, field);
    } else if (!whole && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               !field->is_map()) {
      if (!field->is_repeated()) {
        trim(*access.MutableMessage(&message, field), below);
        continue;
      }
      for (int i = 0; i < access.FieldSize(message, field); ++i) {
        trim(*access.MutableRepeatedMessage(&message, field, i), below);
      }
    }
  }
}

}  // namespace weir::admin
