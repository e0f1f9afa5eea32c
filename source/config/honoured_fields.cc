#include "source/config/honoured_fields.h"

#include <algorithm>
#include <utility>

namespace weir::config {

// Generated from honoured_fields.txt by CMakeLists.txt.
extern const char* const kHonouredFieldsText;

namespace {

// The next word, ended by space; empty at the end.
std::string_view nextWord(std::string_view& line) {
  const size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

std::pair<std::string, HonouredFields::Rule> parseRule(std::string_view word,
                                                       std::string_view kind) {
  HonouredFields::Rule rule{kind != "harmless:", kind == "checked:", {}};
  const size_t equals = std::min(word.find('='), word.size());
  const std::string name(word.substr(0, equals));
  word.remove_prefix(std::min(equals + 1, word.size()));
  while (!word.empty()) {
    const size_t end = std::min(word.find('|'), word.size());
    rule.values.emplace_back(word.substr(0, end));
    word.remove_prefix(std::min(end + 1, word.size()));
  }
  return {name, std::move(rule)};
}

}  // namespace

Result<HonouredFields> HonouredFields::parse(std::string_view text) {
  HonouredFields table;
  Message* current = nullptr;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const bool indented = line.starts_with(' ');
    const std::string_view word = nextWord(line);
    if (word.empty()) continue;
    const auto refuse = [&](std::string why) {
      return Error{"line " + std::to_string(number), std::move(why)};
    };
    if (!indented) {
      if (!nextWord(line).empty()) return refuse("expected one message name");
      current = &table.messages_[std::string(word)];
      continue;
    }
    if (current == nullptr) return refuse("expected a message name first");
    if (word != "obeys:" && word != "checked:" && word != "harmless:") {
      return refuse("expected 'obeys:', 'checked:' or 'harmless:', found '" + std::string(word) +
                    "'");
    }
    for (auto name = nextWord(line); !name.empty(); name = nextWord(line)) {
      if (name == "*" && word == "obeys:") {
        current->all = true;
      } else if (!current->fields.insert(parseRule(name, word)).second) {
        return refuse("'" + std::string(name) + "' is named twice");
      }
    }
  }
  return table;
}

const HonouredFields& HonouredFields::builtin() {
  static const HonouredFields table = [] {
    auto parsed = parse(kHonouredFieldsText);
    return parsed ? *std::move(parsed) : HonouredFields{};
  }();
  return table;
}

bool HonouredFields::knows(const google::protobuf::Descriptor& message) const {
  return messages_.contains(message.full_name()) ||
         message.full_name().starts_with("google.protobuf.");
}

const HonouredFields::Rule* HonouredFields::find(
    const google::protobuf::FieldDescriptor& field) const {
  static const Rule kObeyed{true, false, {}};
  const auto message = messages_.find(field.containing_type()->full_name());
  if (message == messages_.end()) return nullptr;
  const auto rule = message->second.fields.find(field.name());
  if (rule != message->second.fields.end()) return &rule->second;
  return message->second.all ? &kObeyed : nullptr;
}

std::vector<std::string> HonouredFields::unknownNames(
    const google::protobuf::DescriptorPool& pool) const {
  std::vector<std::string> unknown;
  for (const auto& [name, message] : messages_) {
    const auto* type = pool.FindMessageTypeByName(name);
    if (type == nullptr) {
      unknown.push_back(name);
      continue;
    }
    for (const auto& [field_name, rule] : message.fields) {
      const auto* field = type->FindFieldByName(field_name);
      if (field == nullptr) {
        unknown.push_back(name + "." + field_name);
        continue;
      }
      for (const std::string& value : rule.values) {
        const bool known = field->enum_type() != nullptr
                               ? field->enum_type()->FindValueByName(value) != nullptr
                               : value == "true" || value == "false";
        if (!known) unknown.push_back(name + "." + field_name + "=" + value);
      }
    }
  }
  return unknown;
}

}  // namespace weir::config
