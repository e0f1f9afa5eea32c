// Reads JSON as Go writes it, and reports what is something else than expected by its path. Nothing
// recurses, so that no depth is too much. Pure.
#pragma once

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/report.h"

namespace weir::consul::json {

using rapidjson::Value;

// Nothing: it is in `document`; else what is wrong with the text.
inline std::optional<std::string> parse(std::string_view text, rapidjson::Document& document) {
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  document.Parse<kFlags>(text.data(), text.size());
  if (!document.HasParseError()) return std::nullopt;
  return "not JSON: " + std::string(GetParseError_En(document.GetParseError())) + " At byte " +
         std::to_string(document.GetErrorOffset());
}

inline std::string_view viewOf(const Value& text) {
  return {text.GetString(), text.GetStringLength()};
}

inline std::string_view kindOf(const Value& value) {
  switch (value.GetType()) {
    case rapidjson::kNullType:
      return "null";
    case rapidjson::kFalseType:
    case rapidjson::kTrueType:
      return "a boolean";
    case rapidjson::kObjectType:
      return "an object";
    case rapidjson::kArrayType:
      return "a list";
    case rapidjson::kStringType:
      return "a string";
    default:
      return "another number";
  }
}

// A member, read as what it has to be. Absent and null are the same, as in everything Go writes.
class Members {
 public:
  Members(const Value& object, const Where& at) : object_(object), at_(at) {}

  // Null: absent, or reported.
  const Value* object(std::string_view name) const {
    return of(name, "an object", [](const Value& value) { return value.IsObject(); });
  }
  const Value* list(std::string_view name) const {
    return of(name, "a list", [](const Value& value) { return value.IsArray(); });
  }
  std::string_view text(std::string_view name) const {
    const Value* value = of(name, "a string", [](const Value& each) { return each.IsString(); });
    return value == nullptr ? std::string_view() : viewOf(*value);
  }
  uint32_t number(std::string_view name, uint32_t most, uint32_t absent = 0) const {
    const std::string expected = "a number from 0 to " + std::to_string(most);
    const Value* value = of(name, expected, [most](const Value& each) {
      return each.IsUint() && each.GetUint() <= most;
    });
    return value == nullptr ? absent : value->GetUint();
  }
  // Of Consul's, such as ModifyIndex.
  uint64_t index(std::string_view name) const {
    const Value* value = of(name, "an index", [](const Value& each) { return each.IsUint64(); });
    return value == nullptr ? 0 : value->GetUint64();
  }
  Members below(const Value& object, std::string_view name) const {
    return {object, at_.field(name)};
  }
  const Where& at() const { return at_; }

 private:
  template <typename Is>
  const Value* of(std::string_view name, std::string_view expected, Is is) const {
    const auto size = static_cast<rapidjson::SizeType>(name.size());
    const auto found = object_.FindMember(Value(rapidjson::StringRef(name.data(), size)));
    if (found == object_.MemberEnd() || found->value.IsNull()) return nullptr;
    if (is(found->value)) return &found->value;
    at_.field(name).error("expected " + std::string(expected) + ", found " +
                          std::string(kindOf(found->value)));
    return nullptr;
  }

  const Value& object_;
  const Where at_;
};

}  // namespace weir::consul::json
