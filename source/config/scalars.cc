#include "source/config/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace weir::config {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// A whole number too large for its type is told apart from text by being absent all the same.
struct Whole {
  bool negative = false;
  uint64_t magnitude = 0;
};

std::optional<uint64_t> parseDigits(std::string_view digits, int base) {
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// "1e3" and "2.0": whole numbers in a fraction's clothes.
std::optional<Whole> parseExponent(std::string_view text, bool negative) {
  if (text.find_first_of(".eE") == text.npos || text.find_first_of("xX") != text.npos) {
    return std::nullopt;
  }
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  // Beyond 2^53 a double no longer says which whole number was meant.
  if (error != std::errc{} || stop != end || !(value >= 0 && value <= 9007199254740992.0) ||
      value != std::floor(value)) {
    return std::nullopt;
  }
  return Whole{negative, static_cast<uint64_t>(value)};
}

std::optional<Whole> parseWhole(const Node& scalar) {
  std::string_view text = scalar.text;
  const bool negative = text.starts_with('-');
  if (negative || (!scalar.quoted && text.starts_with('+'))) text.remove_prefix(1);
  if (text.empty() || !(isDigit(text[0]) || text[0] == '.')) return std::nullopt;
  int base = 10;
  std::string_view digits = text;
  if (!scalar.quoted && text.size() > 1 && text[0] == '0') {
    if (text[1] == 'x' || text[1] == 'X') {
      base = 16;
      digits = text.substr(2);
    } else if (text[1] == 'o') {
      base = 8;
      digits = text.substr(2);
    } else if (isDigit(text[1])) {
      base = 8;
      digits = text.substr(1);
    }
  }
  if (const auto value = parseDigits(digits, base)) return Whole{negative, *value};
  if (base != 10) return std::nullopt;
  return parseExponent(text, negative);
}

int base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (isDigit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr int64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 6> kUnits = {{{"s", kSecond},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1},
                                         {"m", 60 * kSecond},
                                         {"h", 3600 * kSecond}}};
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;  // google.protobuf.Duration's own limit

}  // namespace

std::optional<bool> readBool(const Node& scalar) {
  const std::string& text = scalar.text;
  if (text == "true") return true;
  if (text == "false") return false;
  if (scalar.quoted || text.empty()) return std::nullopt;
  std::string lower = text;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // yaml-cpp takes "yes", "Yes" and "YES", not "yEs".
  const bool capitals =
      std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool first_only = text.substr(1) == lower.substr(1);
  if (!first_only && !(capitals && text[0] != lower[0])) return std::nullopt;
  if (lower == "y" || lower == "yes" || lower == "on" || lower == "true") return true;
  if (lower == "n" || lower == "no" || lower == "off" || lower == "false") return false;
  return std::nullopt;
}

std::optional<int64_t> readInt(const Node& scalar, int64_t min, int64_t max) {
  const auto whole = parseWhole(scalar);
  if (!whole) return std::nullopt;
  if (!whole->negative) {
    if (whole->magnitude > static_cast<uint64_t>(max)) return std::nullopt;
    return static_cast<int64_t>(whole->magnitude);
  }
  // -(min + 1) + 1 is |min| without overflow.
  if (whole->magnitude > static_cast<uint64_t>(-(min + 1)) + 1) return std::nullopt;
  if (whole->magnitude == 0) return 0;
  return -static_cast<int64_t>(whole->magnitude - 1) - 1;
}

std::optional<uint64_t> readUint(const Node& scalar, uint64_t max) {
  const auto whole = parseWhole(scalar);
  if (!whole || whole->magnitude > max || (whole->negative && whole->magnitude != 0)) {
    return std::nullopt;
  }
  return whole->magnitude;
}

std::optional<double> readDouble(const Node& scalar) {
  std::string_view text = scalar.text;
  const bool negative = text.starts_with('-');
  if (negative || (!scalar.quoted && text.starts_with('+'))) text.remove_prefix(1);
  const bool plain = !scalar.quoted;
  if (text == "Infinity" || (plain && (text == ".inf" || text == ".Inf" || text == ".INF"))) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (text == "NaN" || (plain && (text == ".nan" || text == ".NaN" || text == ".NAN"))) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (text.empty() || !(isDigit(text[0]) || text[0] == '.')) return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    const auto whole = parseWhole(scalar);  // 0x10
    if (!whole) return std::nullopt;
    value = static_cast<double>(whole->magnitude);
  }
  return negative ? -value : value;
}

std::optional<float> readFloat(const Node& scalar) {
  const auto value = readDouble(scalar);
  if (!value) return std::nullopt;
  if (std::isfinite(*value) && std::abs(*value) > std::numeric_limits<float>::max()) {
    return std::nullopt;
  }
  return static_cast<float>(*value);
}

std::optional<std::string> readBase64(std::string_view text) {
  if (text.size() % 4 == 0) {
    if (text.ends_with('=')) text.remove_suffix(1);
    if (text.ends_with('=')) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64Digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::optional<Seconds> readDuration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t unit_at = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, unit_at);
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) {
    return candidate.name == text.substr(unit_at);
  });
  if (unit == kUnits.end()) return std::nullopt;

  const size_t point = std::min(number.find('.'), number.size());
  const auto whole = parseDigits(number.substr(0, point), 10);
  if (!whole || *whole > static_cast<uint64_t>(kMaxDurationSeconds) * kSecond) return std::nullopt;
  __int128 nanos = static_cast<__int128>(*whole) * unit->nanos;
  if (point < number.size()) {
    const std::string_view fraction = number.substr(point + 1);
    const auto digits = parseDigits(fraction, 10);
    if (!digits || fraction.size() > 9) return std::nullopt;
    __int128 part = static_cast<__int128>(*digits) * unit->nanos;
    for (size_t i = 0; i < fraction.size(); ++i) {
      if (part % 10 != 0) return std::nullopt;
      part /= 10;
    }
    nanos += part;
  }
  if (nanos > static_cast<__int128>(kMaxDurationSeconds) * kSecond) return std::nullopt;
  const int sign = negative ? -1 : 1;
  return Seconds{sign * static_cast<int64_t>(nanos / kSecond),
                 sign * static_cast<int32_t>(nanos % kSecond)};
}

}  // namespace weir::config
