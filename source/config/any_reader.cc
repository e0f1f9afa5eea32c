// Any from its JSON form: the fields of the message that `@type` names, beside it.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "source/config/any.h"
#include "source/config/message_reader.h"
#include "source/config/nearest.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

const Node* find(const Node& mapping, std::string_view key) {
  for (const Entry& entry : mapping.entries) {
    if (entry.key == key) return entry.value;
  }
  return nullptr;
}

// Equal configurations get equal bytes: maps are written in the order of their keys.
std::string serialized(const pb::Message& message) {
  std::string bytes;
  {
    pb::io::StringOutputStream stream(&bytes);
    pb::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&out);
  }
  return bytes;
}

std::string_view lastPart(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// "…v3.Router" under a wrong package; "Config" ends too many names to mean one.
std::optional<std::string_view> onlyOneEndingIn(std::string_view part,
                                                const std::vector<std::string_view>& names) {
  std::optional<std::string_view> found;
  for (const std::string_view name : names) {
    if (lastPart(name) != part) continue;
    if (found) return std::nullopt;
    found = name;
  }
  return found;
}

}  // namespace

void MessageReader::readAny(const Node& node, Message& out, const Where& at) {
  if (node.kind != Node::Kind::Mapping) {
    return expected(node, at, "a mapping with '@type' and the fields of that type");
  }
  if (node.entries.empty()) return;
  const Node* type = find(node, "@type");
  if (type == nullptr || type->kind != Node::Kind::Scalar) {
    return error(type != nullptr ? type->at : node.at, at,
                 "expected '@type' with a type such as "
                 "'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'");
  }
  const std::string name(typeNameOf(type->text));
  const std::unique_ptr<Message> inner = makeMessage(out, name);
  if (inner == nullptr) return unknownType(*type, name, at);
  const size_t around = std::exchange(depth_, 0);
  readAnyPayload(node, *inner, at);
  depth_ = around;

  const auto& any = *out.GetDescriptor();
  const bool has_slash = type->text.find('/') != std::string::npos;
  out.GetReflection()->SetString(&out, any.FindFieldByNumber(1),
                                 has_slash ? type->text : "type.googleapis.com/" + type->text);
  out.GetReflection()->SetString(&out, any.FindFieldByNumber(2), serialized(*inner));
  if (isTypedStruct(name)) checkTypedStruct(node, out, at);
}

void MessageReader::readAnyPayload(const Node& node, Message& inner, const Where& at) {
  if (inner.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    return readFields(node, inner, at, /*inside_any=*/true);
  }
  // Types with a JSON form of their own stand under "value".
  for (const Entry& entry : node.entries) {
    if (entry.key == "value") {
      read(*entry.value, inner, at.field("value"));
    } else if (entry.key != "@type") {
      error(entry.at, at.field(std::string_view(entry.key).substr(0, 80)),
            "unknown field; a " + inner.GetDescriptor()->full_name() + " stands under 'value'");
    }
  }
}

// So that a mistake inside a TypedStruct has its line too, and is found before the type is needed.
void MessageReader::checkTypedStruct(const Node& node, const Message& out, const Where& at) {
  const Node* type = find(node, "type_url");
  if (type == nullptr) type = find(node, "typeUrl");
  const Node* value = find(node, "value");
  if (type == nullptr || value == nullptr || value->kind != Node::Kind::Mapping) return;
  const std::unique_ptr<Message> target = makeMessage(out, std::string(typeNameOf(type->text)));
  if (target == nullptr) return;
  const size_t around = std::exchange(depth_, 0);
  read(*value, *target, at.field("value"));
  depth_ = around;
}

void MessageReader::unknownType(const Node& type, std::string_view name, const Where& at) {
  if (!worthAHint()) return error(type.at, at.field("@type"), "unknown type");
  std::vector<std::string> names;
  pb::DescriptorPool::internal_generated_database()->FindAllMessageNames(&names);
  std::vector<std::string_view> candidates(names.begin(), names.end());
  std::optional<std::string_view> close = nearest(name, candidates);
  if (!close) close = onlyOneEndingIn(lastPart(name), candidates);
  std::string text = "unknown type " + shown(name, 160) + ", no extension Weir has";
  if (close) text += "; did you mean '" + std::string(*close) + "'?";
  error(type.at, at.field("@type"), std::move(text));
}

}  // namespace weir::config
