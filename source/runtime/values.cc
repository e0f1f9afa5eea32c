#include "source/runtime/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "envoy/type/v3/percent.pb.h"
#include "source/config/bootstrap.h"

namespace weir::runtime {
namespace {

using FractionalPercent = envoy::type::v3::FractionalPercent;
using google::protobuf::Struct;

std::string textOf(double number) {
  char text[32];
  const bool whole = std::floor(number) == number && std::abs(number) < 1e15;
  const auto done = whole ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(number))
                          : std::to_chars(text, text + sizeof text, number);
  return std::string(text, done.ptr);
}

// As in Envoy: a number is a percentage, too.
Value numberValue(double number, std::string text) {
  Value value;
  value.text = std::move(text);
  if (!(number >= 0 && number < 18446744073709551615.0)) return value;
  value.number = static_cast<uint64_t>(number);
  value.fraction = Fraction{static_cast<uint32_t>(std::min<uint64_t>(*value.number, 100)), 100};
  return value;
}

Value flagValue(bool flag) {
  Value value;
  value.text = flag ? "true" : "false";
  value.flag = flag;
  return value;
}

std::optional<uint32_t> sizeOf(FractionalPercent::DenominatorType denominator) {
  switch (denominator) {
    case FractionalPercent::HUNDRED:
      return 100;
    case FractionalPercent::TEN_THOUSAND:
      return 10'000;
    case FractionalPercent::MILLION:
      return 1'000'000;
    default:
      return std::nullopt;
  }
}

std::optional<Value> fractionValue(const FractionalPercent& percent) {
  const auto size = sizeOf(percent.denominator());
  if (!size) return std::nullopt;
  Value value;
  value.text = R"({"numerator": )" + std::to_string(percent.numerator()) + R"(, "denominator": ")" +
               FractionalPercent::DenominatorType_Name(percent.denominator()) + "\"}";
  value.fraction = Fraction{percent.numerator(), *size};
  return value;
}

bool isFraction(const Struct& from) {
  return from.fields().contains("numerator") || from.fields().contains("denominator");
}

std::optional<Value> readFraction(const Struct& from) {
  FractionalPercent percent;
  for (const auto& [name, value] : from.fields()) {
    FractionalPercent::DenominatorType denominator;
    if (name == "numerator" && value.has_number_value() && value.number_value() >= 0 &&
        value.number_value() <= UINT32_MAX) {
      percent.set_numerator(static_cast<uint32_t>(value.number_value()));
    } else if (name == "denominator" &&
               FractionalPercent::DenominatorType_Parse(value.string_value(), &denominator)) {
      percent.set_denominator(denominator);
    } else {
      return std::nullopt;
    }
  }
  return fractionValue(percent);
}

std::optional<Error> addStruct(const Struct& from, const std::string& prefix, Values& to);

std::optional<Error> addValue(const google::protobuf::Value& from, const std::string& key,
                              Values& to) {
  switch (from.kind_case()) {
    case google::protobuf::Value::kNumberValue:
      to[key] = numberValue(from.number_value(), textOf(from.number_value()));
      return std::nullopt;
    case google::protobuf::Value::kBoolValue:
      to[key] = flagValue(from.bool_value());
      return std::nullopt;
    case google::protobuf::Value::kStringValue:
      to[key] = valueOf(from.string_value());
      return std::nullopt;
    case google::protobuf::Value::kStructValue:
      break;
    default:
      return Error{key, "expected a number, a boolean, a text or a struct, found null or a list"};
  }
  if (!isFraction(from.struct_value())) return addStruct(from.struct_value(), key + ".", to);
  auto fraction = readFraction(from.struct_value());
  if (!fraction) {
    return Error{key,
                 "expected a FractionalPercent: numerator, and one of HUNDRED, TEN_THOUSAND, "
                 "MILLION as denominator"};
  }
  to[key] = *std::move(fraction);
  return std::nullopt;
}

std::optional<Error> addStruct(const Struct& from, const std::string& prefix, Values& to) {
  for (const auto& [name, value] : from.fields()) {
    if (auto error = addValue(value, prefix + name, to)) return error;
  }
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

}  // namespace

Result<Values> valuesOf(const Struct& from) {
  Values values;
  if (auto error = addStruct(from, {}, values)) return *std::move(error);
  return values;
}

Value valueOf(std::string_view text) {
  const std::string_view word = trim(text);
  double number = 0;
  const auto done = std::from_chars(word.data(), word.data() + word.size(), number);
  if (done.ec == std::errc() && done.ptr == word.data() + word.size()) {
    return numberValue(number, std::string(text));
  }
  if (word == "true" || word == "false") return flagValue(word == "true");
  Value value;
  value.text = text;
  if (word.find("numerator") == word.npos && word.find("denominator") == word.npos) return value;
  Report report;
  FractionalPercent percent;
  if (config::loadBootstrap({.yaml = std::string(word)}, percent, report)) {
    if (auto fraction = fractionValue(percent)) value.fraction = fraction->fraction;
  }
  return value;
}

}  // namespace weir::runtime
