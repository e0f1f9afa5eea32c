// The google.protobuf types that have a JSON form of their own.
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <cmath>
#include <string>

#include "source/config/message_reader.h"
#include "source/config/scalars.h"

namespace weir::config {
namespace {

namespace pb = google::protobuf;

// `out` may be of the generated class or of a dynamic one with the same descriptor text.
void assign(pb::Message& out, const pb::Message& value) {
  if (out.GetDescriptor() == value.GetDescriptor()) {
    out.CopyFrom(value);
  } else {
    out.ParseFromString(value.SerializeAsString());
  }
}

// What an unquoted scalar is where any type may stand. As Envoy: booleans in all their YAML forms,
// then numbers, then text. A number that a double would round stays text.
pb::Value guess(const Node& scalar) {
  pb::Value value;
  if (scalar.quoted) {
    value.set_string_value(scalar.text);
  } else if (const auto flag = readBool(scalar)) {
    value.set_bool_value(*flag);
  } else if (const auto whole = readInt(scalar, INT64_MIN, INT64_MAX)) {
    constexpr int64_t kExact = int64_t{1} << 53;
    if (*whole >= -kExact && *whole <= kExact) {
      value.set_number_value(static_cast<double>(*whole));
    } else {
      value.set_string_value(std::to_string(*whole));
    }
  } else if (const auto number = readDouble(scalar); number && std::isfinite(*number)) {
    value.set_number_value(*number);
  } else {
    value.set_string_value(scalar.text);
  }
  return value;
}

pb::Value valueOf(const Node& node) {
  pb::Value value;
  switch (node.kind) {
    case Node::Kind::Null:
      value.set_null_value(pb::NULL_VALUE);
      break;
    case Node::Kind::Scalar:
      return guess(node);
    case Node::Kind::Sequence:
      value.mutable_list_value();
      for (const Node* item : node.items) {
        *value.mutable_list_value()->add_values() = valueOf(*item);
      }
      break;
    case Node::Kind::Mapping:
      value.mutable_struct_value();
      for (const Entry& entry : node.entries) {
        (*value.mutable_struct_value()->mutable_fields())[entry.key] = valueOf(*entry.value);
      }
      break;
  }
  return value;
}

// "fooBar.baz" to "foo_bar.baz".
std::string snakePath(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c >= 'A' && c <= 'Z') {
      out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

// seconds and nanos of a Duration or Timestamp, whose fields 1 and 2 they are.
Seconds secondsOf(const pb::Message& message) {
  const auto& reflection = *message.GetReflection();
  const auto& type = *message.GetDescriptor();
  return {reflection.GetInt64(message, type.FindFieldByNumber(1)),
          reflection.GetInt32(message, type.FindFieldByNumber(2))};
}

void setSeconds(pb::Message& message, Seconds value) {
  const auto& type = *message.GetDescriptor();
  message.GetReflection()->SetInt64(&message, type.FindFieldByNumber(1), value.seconds);
  message.GetReflection()->SetInt32(&message, type.FindFieldByNumber(2), value.nanos);
}

bool isDuration(Seconds value) {
  constexpr int64_t kMax = 315'576'000'000;
  return std::abs(value.seconds) <= kMax && std::abs(value.nanos) < 1'000'000'000 &&
         !(value.seconds > 0 && value.nanos < 0) && !(value.seconds < 0 && value.nanos > 0);
}

}  // namespace

bool MessageReader::readWellKnown(const Node& node, Message& out, const Where& at) {
  const Descriptor& type = *out.GetDescriptor();
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    case Descriptor::WELLKNOWNTYPE_ANY:
      readAny(node, out, at);
      break;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      readDurationMessage(node, out, at);
      break;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      readTimestamp(node, out, at);
      break;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      readFieldMask(node, out, at);
      break;
    case Descriptor::WELLKNOWNTYPE_VALUE:
    case Descriptor::WELLKNOWNTYPE_STRUCT:
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      readStructure(node, out, at);
      break;
    default:  // wrappers: bare, or {value: …}
      if (node.kind == Node::Kind::Mapping) {
        readFields(node, out, at);
      } else {
        readOne(node, *type.FindFieldByName("value"), out, at);
      }
  }
  return true;
}

void MessageReader::readDurationMessage(const Node& node, Message& out, const Where& at) {
  constexpr std::string_view kExpected = "a duration such as 0.5s";
  if (node.kind == Node::Kind::Mapping) {
    readFields(node, out, at);
    if (!isDuration(secondsOf(out))) {
      error(node.at, at,
            "expected a duration of at most 315576000000 seconds, nanos below "
            "1000000000 and of the same sign");
    }
    return;
  }
  const auto value = node.kind == Node::Kind::Scalar ? readDuration(node.text) : std::nullopt;
  if (!value) return expected(node, at, kExpected);
  setSeconds(out, *value);
}

void MessageReader::readTimestamp(const Node& node, Message& out, const Where& at) {
  if (node.kind == Node::Kind::Mapping) return readFields(node, out, at);
  pb::Timestamp value;
  if (node.kind != Node::Kind::Scalar || !pb::util::TimeUtil::FromString(node.text, &value)) {
    return expected(node, at, "a time such as 2026-01-31T12:00:00Z");
  }
  setSeconds(out, {value.seconds(), value.nanos()});
}

void MessageReader::readFieldMask(const Node& node, Message& out, const Where& at) {
  if (node.kind == Node::Kind::Mapping) return readFields(node, out, at);
  if (node.kind != Node::Kind::Scalar) {
    return expected(node, at, "field paths such as 'name,routeConfig.name'");
  }
  pb::FieldMask mask;
  std::string_view rest = node.text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    if (end > 0) mask.add_paths(snakePath(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  assign(out, mask);
}

void MessageReader::readStructure(const Node& node, Message& out, const Where& at) {
  // A level of a Struct is up to three messages: Struct, its map entry, Value.
  if (!fitsDepth(node, 3 * size_t{node.height} + 1, at)) return;
  switch (out.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      if (node.kind != Node::Kind::Mapping) return expected(node, at, "a mapping");
      return assign(out, valueOf(node).struct_value());
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      if (node.kind != Node::Kind::Sequence) return expected(node, at, "a list");
      return assign(out, valueOf(node).list_value());
    default:
      return assign(out, valueOf(node));
  }
}

}  // namespace weir::config
