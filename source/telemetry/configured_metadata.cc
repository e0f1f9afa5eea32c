#include "source/telemetry/configured_metadata.h"

#include <charconv>
#include <map>

#include "source/telemetry/json_text.h"

namespace weir::telemetry {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

void appendJson(std::string& to, const Value& value);

void appendJson(std::string& to, const Struct& object) {
  // A protobuf map has no order of its own, and two lines about one thing should be equal.
  std::map<std::string_view, const Value*> members;
  for (const auto& [key, value] : object.fields()) members.emplace(key, &value);
  char before = '{';
  for (const auto& [key, value] : members) {
    to.push_back(std::exchange(before, ','));
    appendJsonString(to, key);
    to.push_back(':');
    appendJson(to, *value);
  }
  if (members.empty()) to.push_back('{');
  to.push_back('}');
}

void appendJson(std::string& to, const Value& value) {
  switch (value.kind_case()) {
    case Value::kNumberValue: {
      char digits[32];
      to.append(digits, std::to_chars(digits, digits + sizeof digits, value.number_value()).ptr);
      return;
    }
    case Value::kStringValue:
      return appendJsonString(to, value.string_value());
    case Value::kBoolValue:
      to.append(value.bool_value() ? "true" : "false");
      return;
    case Value::kStructValue:
      return appendJson(to, value.struct_value());
    case Value::kListValue: {
      char before = '[';
      for (const Value& item : value.list_value().values()) {
        to.push_back(std::exchange(before, ','));
        appendJson(to, item);
      }
      to.append(value.list_value().values().empty() ? "[]" : "]");
      return;
    }
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  to.append("null");
}

}  // namespace

std::string jsonOf(const Value& value) {
  std::string json;
  appendJson(json, value);
  return json;
}

Metadata::Found ConfiguredMetadata::append(std::string& to, std::string_view space,
                                           std::span<const std::string> keys) const {
  const auto found = proto_.filter_metadata().find(std::string(space));
  if (found == proto_.filter_metadata().end()) return Found::Nothing;
  const Struct* object = &found->second;
  const Value* value = nullptr;
  for (const std::string& key : keys) {
    if (object == nullptr) return Found::Nothing;
    const auto member = object->fields().find(key);
    if (member == object->fields().end()) return Found::Nothing;
    value = &member->second;
    object = value->has_struct_value() ? &value->struct_value() : nullptr;
  }
  if (value == nullptr) {
    appendJson(to, *object);
    return Found::Json;
  }
  if (value->kind_case() == Value::kNullValue) return Found::Nothing;
  if (value->kind_case() == Value::kStringValue) {
    to.append(value->string_value());
    return Found::Text;
  }
  appendJson(to, *value);
  return Found::Json;
}

}  // namespace weir::telemetry
