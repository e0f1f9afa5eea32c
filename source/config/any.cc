#include "source/config/any.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "source/config/tree.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

struct TypedStruct {
  std::string type_url;
  pb::Struct value;
};

// Both TypedStruct messages are type_url = 1, value = 2; read so, neither needs to be linked in.
std::optional<TypedStruct> parseTypedStruct(const std::string& bytes) {
  pb::UnknownFieldSet fields;
  if (!fields.ParseFromString(bytes)) return std::nullopt;
  TypedStruct result;
  for (int i = 0; i < fields.field_count(); ++i) {
    const pb::UnknownField& field = fields.field(i);
    if (field.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    if (field.number() == 1) result.type_url = field.length_delimited();
    if (field.number() == 2 && !result.value.MergeFromString(field.length_delimited())) {
      return std::nullopt;
    }
  }
  return result;
}

const Node& scalar(Tree& tree, std::string text, bool quoted) {
  Node& node = tree.add(Node::Kind::Scalar, {});
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

const Node& numberNode(Tree& tree, double number) {
  if (std::isnan(number)) return scalar(tree, "NaN", true);
  if (std::isinf(number)) return scalar(tree, number > 0 ? "Infinity" : "-Infinity", true);
  constexpr double kExact = 9007199254740992.0;  // 2^53; to_chars would write 1000000 as 1e+06
  if (number == std::floor(number) && std::abs(number) <= kExact) {
    return scalar(tree, std::to_string(static_cast<int64_t>(number)), true);
  }
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return scalar(tree, std::string(text.data(), end), true);
}

const Node& structNode(Tree& tree, const pb::Struct& value);

const Node& valueNode(Tree& tree, const pb::Value& value) {
  switch (value.kind_case()) {
    case pb::Value::kNumberValue:
      return numberNode(tree, value.number_value());
    case pb::Value::kStringValue:
      return scalar(tree, value.string_value(), true);
    case pb::Value::kBoolValue:
      return scalar(tree, value.bool_value() ? "true" : "false", false);
    case pb::Value::kStructValue:
      return structNode(tree, value.struct_value());
    case pb::Value::kListValue: {
      Node& node = tree.add(Node::Kind::Sequence, {});
      for (const pb::Value& item : value.list_value().values()) {
        node.items.push_back(&valueNode(tree, item));
      }
      return node;
    }
    default:
      return tree.add(Node::Kind::Null, {});
  }
}

const Node& structNode(Tree& tree, const pb::Struct& value) {
  Node& node = tree.add(Node::Kind::Mapping, {});
  for (const auto& [key, inner] : value.fields()) {
    node.entries.push_back({key, {}, &valueNode(tree, inner)});
  }
  return node;
}

}  // namespace

std::unique_ptr<pb::Message> makeMessage(const pb::Message& beside, const std::string& name) {
  pb::MessageFactory* factory = beside.GetReflection()->GetMessageFactory();
  const pb::Descriptor* type = beside.GetDescriptor()->file()->pool()->FindMessageTypeByName(name);
  if (type == nullptr) {
    factory = pb::MessageFactory::generated_factory();
    type = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  }
  const pb::Message* prototype = type != nullptr ? factory->GetPrototype(type) : nullptr;
  return std::unique_ptr<pb::Message>(prototype != nullptr ? prototype->New() : nullptr);
}

std::string_view typeNameOf(std::string_view type_url) {
  return type_url.substr(type_url.rfind('/') + 1);
}

bool isTypedStruct(std::string_view type_name) {
  return type_name == "xds.type.v3.TypedStruct" || type_name == "udpa.type.v1.TypedStruct";
}

std::string anyTypeName(const google::protobuf::Any& any) {
  const std::string_view name = typeNameOf(any.type_url());
  if (!isTypedStruct(name)) return std::string(name);
  const auto typed = parseTypedStruct(any.value());
  return typed ? std::string(typeNameOf(typed->type_url)) : "";
}

bool unpackAny(const google::protobuf::Any& any, google::protobuf::Message& out, const Where& at,
               ReadOptions options) {
  const std::string& wanted = out.GetDescriptor()->full_name();
  const auto refuse = [&](std::string text) {
    at.error(std::move(text));
    return false;
  };
  const std::string_view name = typeNameOf(any.type_url());
  if (name == wanted) {
    return out.ParseFromString(any.value()) || refuse("the bytes are not a " + wanted);
  }
  if (!isTypedStruct(name)) {
    return refuse("expected a " + wanted + ", found " +
                  (name.empty() ? "an empty Any" : "a " + std::string(name)));
  }
  const auto typed = parseTypedStruct(any.value());
  if (!typed) return refuse("the bytes are not a " + std::string(name));
  if (typeNameOf(typed->type_url) != wanted) {
    return refuse("expected a " + wanted + ", found a TypedStruct of type '" + typed->type_url +
                  "'");
  }
  Tree tree("");
  return readProto(tree, structNode(tree, typed->value), out, at, options);
}

}  // namespace weir::config
