// Appends numbers to a string without allocating: what log lines and stat pages are made of.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <string>

namespace weir::telemetry {

template <std::integral T>
void appendNumber(std::string& to, T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  to.append(digits, end);
}

// At least `width` digits, with leading zeros.
inline void appendPadded(std::string& to, uint64_t value, size_t width) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  const auto size = static_cast<size_t>(end - digits);
  if (size < width) to.append(width - size, '0');
  to.append(digits, size);
}

// As printf's %g, six digits: Envoy's way of printing bucket bounds ("1.8e+06").
inline void appendGeneral(std::string& to, double value) {
  char digits[32];
  to.append(digits, static_cast<size_t>(std::snprintf(digits, sizeof(digits), "%g", value)));
}

// Shortest text of a value rounded to three decimals; "nan" when it is none.
inline void appendRounded(std::string& to, double value) {
  if (std::isnan(value)) {
    to.append("nan");
    return;
  }
  char digits[64];
  const double rounded = std::round(value * 1000) / 1000;
  const auto end =
      std::to_chars(digits, digits + sizeof(digits), rounded, std::chars_format::fixed).ptr;
  to.append(digits, end);
}

}  // namespace weir::telemetry
