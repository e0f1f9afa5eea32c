#include "source/config/message_reader.h"

#include <algorithm>
#include <array>
#include <optional>

#include "source/config/nearest.h"

namespace weir::config {
namespace {

constexpr std::array<std::string_view, 12> kSecretFields = {
    "private_key",   "password",    "inline_string", "inline_bytes",   "secret",
    "token_secret",  "hmac_secret", "keys",          "generic_secret", "session_ticket_keys",
    "client_secret", "credentials"};

bool isSecret(const google::protobuf::FieldDescriptor& field) {
  return std::find(kSecretFields.begin(), kSecretFields.end(), field.name()) != kSecretFields.end();
}

// Some field names of a message, enough to recognise it by.
std::string someFields(const google::protobuf::Descriptor& type) {
  constexpr int kSome = 8;
  std::string out;
  for (int i = 0; i < std::min(type.field_count(), kSome); ++i) {
    if (i > 0) out += ", ";
    out += type.field(i)->name();
  }
  return type.field_count() > kSome ? out + ", …" : out;
}

// "route.timeout" if a message directly below `type` has the field that is missing here.
std::optional<std::string> inChild(const google::protobuf::Descriptor& type, std::string_view key) {
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    if (field.message_type() == nullptr || field.is_map() ||
        field.message_type()->well_known_type() !=
            google::protobuf::Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
      continue;
    }
    if (const auto* inner = findField(*field.message_type(), key)) {
      return field.name() + "." + inner->name();
    }
  }
  return std::nullopt;
}

std::string othersOf(const google::protobuf::OneofDescriptor& oneof) {
  std::string out;
  for (int i = 0; i < oneof.field_count(); ++i) {
    if (i > 0) out += ", ";
    out += oneof.field(i)->name();
  }
  return out;
}

// Which fields and oneofs of one message were set so far, and by which key.
class SeenFields {
 public:
  // Why `field` may not be set now; empty if it may.
  std::string add(const google::protobuf::FieldDescriptor& field, const Entry& entry) {
    for (const auto& [seen, by] : seen_) {
      if (seen == &field) {
        return "set twice, first as '" + by->key + "' on line " + std::to_string(by->at.line);
      }
      const auto* oneof = field.real_containing_oneof();
      if (oneof != nullptr && oneof == seen->real_containing_oneof()) {
        return "conflicts with '" + seen->name() + "' on line " + std::to_string(by->at.line) +
               "; only one of " + othersOf(*oneof) + " may be set";
      }
    }
    seen_.emplace_back(&field, &entry);
    return "";
  }

 private:
  std::vector<std::pair<const google::protobuf::FieldDescriptor*, const Entry*>> seen_;
};

}  // namespace

bool readProto(const Tree& tree, google::protobuf::Message& out, Report& report,
               ReadOptions options) {
  return readProto(tree, tree.root(), out, Where(report), options);
}

bool readProto(const Tree& tree, const Node& node, google::protobuf::Message& out, const Where& at,
               ReadOptions options) {
  const size_t before = at.report().errors();
  MessageReader(tree, at.report(), options).read(node, out, at);
  return at.report().errors() == before;
}

const google::protobuf::FieldDescriptor* findField(const google::protobuf::Descriptor& type,
                                                   std::string_view key) {
  if (const auto* field = type.FindFieldByName(std::string(key))) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key) return type.field(i);
  }
  return nullptr;
}

std::string shown(std::string_view text, size_t max) {
  size_t size = std::min(text.size(), max);
  if (size < text.size()) {
    while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xC0) == 0x80) --size;
  }
  std::string out = "'";
  for (const char c : text.substr(0, size)) {
    out += static_cast<uint8_t>(c) < 0x20 || c == 0x7F ? ' ' : c;
  }
  return out + (size < text.size() ? "…'" : "'");
}

void MessageReader::read(const Node& node, Message& out, const Where& at) {
  if (node.kind == Node::Kind::Null &&
      out.GetDescriptor()->well_known_type() != Descriptor::WELLKNOWNTYPE_VALUE) {
    return;
  }
  if (readWellKnown(node, out, at)) return;
  if (node.kind != Node::Kind::Mapping) {
    return expected(node, at,
                    "a mapping with fields of " + out.GetDescriptor()->full_name() + " (" +
                        someFields(*out.GetDescriptor()) + ")");
  }
  readFields(node, out, at);
}

void MessageReader::readFields(const Node& node, Message& out, const Where& at, bool inside_any) {
  const Descriptor& type = *out.GetDescriptor();
  SeenFields seen;
  open_.push_back(&type);
  for (const Entry& entry : node.entries) {
    if (inside_any && entry.key == "@type") continue;
    const Field* field = findField(type, entry.key);
    if (field == nullptr) {
      unknownField(entry, type, at);
      continue;
    }
    const Where there = at.field(field->name());
    if (entry.value->kind != Node::Kind::Null) {
      if (std::string why = seen.add(*field, entry); !why.empty()) {
        error(entry.at, there, std::move(why));
        continue;
      }
    }
    readEntry(entry, *field, out, there);
  }
  open_.pop_back();
}

void MessageReader::readEntry(const Entry& entry, const Field& field, Message& out,
                              const Where& at) {
  const Node& node = *entry.value;
  const bool holds_null =
      field.message_type() != nullptr && !field.is_repeated() &&
      field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
  if (node.kind == Node::Kind::Null && !holds_null) return;  // null: as if it were not there
  const bool secret = isSecret(field);
  secret_ += secret ? 1 : 0;
  if (field.is_map()) {
    readMap(node, field, out, at);
  } else if (field.is_repeated()) {
    readList(node, field, out, at);
  } else {
    readOne(node, field, out, at);
  }
  secret_ -= secret ? 1 : 0;
}

void MessageReader::readList(const Node& node, const Field& field, Message& out, const Where& at) {
  if (node.kind != Node::Kind::Sequence) return readOne(node, field, out, at);
  const bool holds_null =
      field.message_type() != nullptr &&
      field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
  for (size_t i = 0; i < node.items.size(); ++i) {
    const Node& item = *node.items[i];
    if (item.kind == Node::Kind::Null && !holds_null) {
      error(item.at, at.index(i), "a list item must not be empty");
      continue;
    }
    readOne(item, field, out, at.index(i));
  }
}

void MessageReader::readMap(const Node& node, const Field& field, Message& out, const Where& at) {
  const Field& key_field = *field.message_type()->map_key();
  const Field& value_field = *field.message_type()->map_value();
  if (node.kind != Node::Kind::Mapping) {
    const std::string_view to = value_field.message_type() != nullptr
                                    ? value_field.message_type()->full_name()
                                    : std::string_view(value_field.type_name());
    return expected(
        node, at,
        std::string("a mapping from ") + key_field.type_name() + " to " + std::string(to));
  }
  for (const Entry& entry : node.entries) {
    const Where there = at.key(entry.key);
    if (!fitsDepth(*entry.value, 2, there)) continue;
    Message& pair = *out.GetReflection()->AddMessage(&out, &field);
    Node key;
    key.kind = Node::Kind::Scalar;
    key.quoted = true;
    key.at = entry.at;
    key.text = entry.key;
    ++depth_;
    readScalar(key, key_field, pair, there);
    if (entry.value->kind == Node::Kind::Null && value_field.message_type() == nullptr) {
      error(entry.value->at, there, "a value of a mapping must not be empty");
    } else {
      readOne(*entry.value, value_field, pair, there);
    }
    --depth_;
  }
}

void MessageReader::readOne(const Node& node, const Field& field, Message& out, const Where& at) {
  if (field.cpp_type() != Field::CPPTYPE_MESSAGE) return readScalar(node, field, out, at);
  if (!fitsDepth(node, 1, at)) return;
  const auto& reflection = *out.GetReflection();
  ++depth_;
  read(node,
       field.is_repeated() ? *reflection.AddMessage(&out, &field)
                           : *reflection.MutableMessage(&out, &field),
       at);
  --depth_;
}

bool MessageReader::fitsDepth(const Node& node, size_t levels, const Where& at) {
  constexpr size_t kMaxDepth = 100;  // protobuf's default when it parses
  if (depth_ + levels <= kMaxDepth) return true;
  error(node.at, at, "nested more deeply than protobuf can read back");
  return false;
}

void MessageReader::error(Position at, const Where& where, std::string text) {
  if (at.line == 0) return report_.error(where.path(), std::move(text));
  report_.add(Severity::Error, tree_.place(at), where.path(), std::move(text));
}

void MessageReader::expected(const Node& found, const Where& at, std::string_view what) {
  error(found.at, at, "expected " + std::string(what) + ", found " + describe(found));
}

void MessageReader::unknownField(const Entry& entry, const Descriptor& type, const Where& at) {
  const std::string_view key = std::string_view(entry.key).substr(0, 80);
  const Where there = at.field(key);
  if (options_.allow_unknown_fields) {
    report_.add(Severity::Warning, tree_.place(entry.at), there.path(), "unknown field, ignored");
    return;
  }
  if (!worthAHint()) return error(entry.at, there, "unknown field");
  std::vector<std::string_view> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  std::string text = "unknown field; ";
  const Descriptor* outer = open_.size() > 1 ? open_[open_.size() - 2] : nullptr;
  const Field* outer_field = outer != nullptr ? findField(*outer, key) : nullptr;
  if (outer_field != nullptr) {
    text += "it belongs one level up, to " + outer->full_name() + "; is it indented too far?";
  } else if (const auto inner = inChild(type, key)) {
    text += "did you mean '" + *inner + "'? (fields of " + type.full_name() + ")";
  } else if (const auto name = nearest(key, names)) {
    text += "did you mean '" + std::string(*name) + "'? (fields of " + type.full_name() + ")";
  } else {
    text += type.full_name() +
            (type.field_count() == 0 ? " has no fields" : " has " + someFields(type));
  }
  error(entry.at, there, std::move(text));
}

std::string MessageReader::describe(const Node& node) const {
  switch (node.kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Mapping:
      return "a mapping";
    case Node::Kind::Scalar:
      break;
  }
  return secret_ > 0 ? "a value not shown here" : shown(node.text);
}

}  // namespace weir::config
