// Undoes percent-encoding (RFC 3986 §2.1) for display. A "%" without two hex digits stays.
#pragma once

#include <string>
#include <string_view>

namespace weir::telemetry {

inline void appendPercentDecoded(std::string& to, std::string_view text) {
  const auto digit = [&](size_t i) -> int {
    if (i >= text.size()) return -1;
    const char c = text[i];
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' ? digit(i + 1) : -1;
    const int low = high >= 0 ? digit(i + 2) : -1;
    if (low < 0) {
      to.push_back(text[i]);
      continue;
    }
    to.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
}

}  // namespace weir::telemetry
