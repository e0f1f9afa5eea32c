// One scalar into one field: numbers, booleans, enums, strings, bytes.
#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "source/config/message_reader.h"
#include "source/config/nearest.h"
#include "source/config/scalars.h"

namespace weir::config {
namespace {

template <typename Int>
std::string rangeInWords() {
  return "a whole number from " + std::to_string(std::numeric_limits<Int>::min()) + " to " +
         std::to_string(std::numeric_limits<Int>::max());
}

std::string foldedEnumName(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return out;
}

// By name, in any letter case, with '-' for '_'; or by number.
const google::protobuf::EnumValueDescriptor* findEnumValue(
    const google::protobuf::EnumDescriptor& type, const Node& node) {
  if (const auto* value = type.FindValueByName(node.text)) return value;
  const std::string name = foldedEnumName(node.text);
  for (int i = 0; i < type.value_count(); ++i) {
    if (foldedEnumName(type.value(i)->name()) == name) return type.value(i);
  }
  const auto number =
      readInt(node, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
  return number ? type.FindValueByNumber(static_cast<int>(*number)) : nullptr;
}

std::string allowedNames(const google::protobuf::EnumDescriptor& type) {
  constexpr int kSome = 12;
  std::string out;
  for (int i = 0; i < std::min(type.value_count(), kSome); ++i) {
    if (i > 0) out += ", ";
    out += type.value(i)->name();
  }
  return type.value_count() > kSome ? out + ", …" : out;
}

}  // namespace

void MessageReader::readScalar(const Node& node, const Field& field, Message& out,
                               const Where& at) {
  const auto& reflection = *out.GetReflection();
  const bool add = field.is_repeated();
  const bool scalar = node.kind == Node::Kind::Scalar;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_BOOL: {
      const auto value = scalar ? readBool(node) : std::nullopt;
      if (!value) return expected(node, at, "true or false");
      add ? reflection.AddBool(&out, &field, *value) : reflection.SetBool(&out, &field, *value);
      return;
    }
    case Field::CPPTYPE_STRING: {
      const bool bytes = field.type() == Field::TYPE_BYTES;
      if (!scalar) return expected(node, at, bytes ? "base64 text" : "a string");
      std::optional<std::string> value = node.text;
      if (bytes) value = readBase64(node.text);
      if (!value) return expected(node, at, "base64 text");
      add ? reflection.AddString(&out, &field, std::move(*value))
          : reflection.SetString(&out, &field, std::move(*value));
      return;
    }
    case Field::CPPTYPE_ENUM:
      return readEnum(node, field, out, at);
    case Field::CPPTYPE_MESSAGE:
      return;  // readOne() keeps messages away from here
    default:
      return readNumber(node, field, out, at);
  }
}

void MessageReader::readNumber(const Node& node, const Field& field, Message& out,
                               const Where& at) {
  const auto& reflection = *out.GetReflection();
  const bool add = field.is_repeated();
  const bool scalar = node.kind == Node::Kind::Scalar;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32: {
      using Limits = std::numeric_limits<int32_t>;
      const auto wide = scalar ? readInt(node, Limits::min(), Limits::max()) : std::nullopt;
      if (!wide) return expected(node, at, rangeInWords<int32_t>());
      const auto value = static_cast<int32_t>(*wide);
      add ? reflection.AddInt32(&out, &field, value) : reflection.SetInt32(&out, &field, value);
      return;
    }
    case Field::CPPTYPE_INT64: {
      using Limits = std::numeric_limits<int64_t>;
      const auto value = scalar ? readInt(node, Limits::min(), Limits::max()) : std::nullopt;
      if (!value) return expected(node, at, rangeInWords<int64_t>());
      add ? reflection.AddInt64(&out, &field, *value) : reflection.SetInt64(&out, &field, *value);
      return;
    }
    case Field::CPPTYPE_UINT32: {
      const auto wide = scalar ? readUint(node, UINT32_MAX) : std::nullopt;
      if (!wide) return expected(node, at, rangeInWords<uint32_t>());
      const auto value = static_cast<uint32_t>(*wide);
      add ? reflection.AddUInt32(&out, &field, value) : reflection.SetUInt32(&out, &field, value);
      return;
    }
    case Field::CPPTYPE_UINT64: {
      const auto value = scalar ? readUint(node, UINT64_MAX) : std::nullopt;
      if (!value) return expected(node, at, rangeInWords<uint64_t>());
      add ? reflection.AddUInt64(&out, &field, *value) : reflection.SetUInt64(&out, &field, *value);
      return;
    }
    case Field::CPPTYPE_FLOAT: {
      const auto value = scalar ? readFloat(node) : std::nullopt;
      if (!value) return expected(node, at, "a number that fits a float");
      add ? reflection.AddFloat(&out, &field, *value) : reflection.SetFloat(&out, &field, *value);
      return;
    }
    default: {
      const auto value = scalar ? readDouble(node) : std::nullopt;
      if (!value) return expected(node, at, "a number");
      add ? reflection.AddDouble(&out, &field, *value) : reflection.SetDouble(&out, &field, *value);
      return;
    }
  }
}

void MessageReader::readEnum(const Node& node, const Field& field, Message& out, const Where& at) {
  const auto& type = *field.enum_type();
  const auto* value = node.kind == Node::Kind::Scalar ? findEnumValue(type, node) : nullptr;
  if (value == nullptr) {
    std::vector<std::string_view> names;
    for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
    std::string hint;
    if (const auto name = worthAHint() ? nearest(node.text, names) : std::nullopt) {
      hint = "; did you mean '" + std::string(*name) + "'?";
    }
    return error(node.at, at,
                 "expected one of " + allowedNames(type) + ", found " + describe(node) + hint);
  }
  if (field.is_repeated()) {
    out.GetReflection()->AddEnum(&out, &field, value);
  } else {
    out.GetReflection()->SetEnum(&out, &field, value);
  }
}

}  // namespace weir::config
