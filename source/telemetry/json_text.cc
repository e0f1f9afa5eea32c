#include "source/telemetry/json_text.h"

#include <array>
#include <cstdint>

namespace weir::telemetry {
namespace {

// Bytes that may be copied without a look: printable ASCII but for the two that JSON reserves.
constexpr std::array<bool, 256> makePlain() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = makePlain();

void appendEscape(std::string& to, char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      to.append("\\\"");
      return;
    case '\\':
      to.append("\\\\");
      return;
    case '\n':
      to.append("\\n");
      return;
    case '\r':
      to.append("\\r");
      return;
    case '\t':
      to.append("\\t");
      return;
    case '\b':
      to.append("\\b");
      return;
    case '\f':
      to.append("\\f");
      return;
    default:
      break;
  }
  const auto byte = static_cast<uint8_t>(c);
  to.append("\\u00");
  to.push_back(kHex[byte >> 4]);
  to.push_back(kHex[byte & 15]);
}

}  // namespace

size_t utf8Length(std::string_view text) {
  const auto at = [&](size_t i) -> uint8_t { return static_cast<uint8_t>(text[i]); };
  const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const uint8_t lead = at(0);
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void appendJsonEscaped(std::string& to, std::string_view text) {
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && kPlain[static_cast<uint8_t>(text[plain])]) ++plain;
    to.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    const size_t sequence = utf8Length(text);
    if (sequence > 0) {
      to.append(text.data(), sequence);
      text.remove_prefix(sequence);
    } else {
      appendEscape(to, text.front());
      text.remove_prefix(1);
    }
  }
}

}  // namespace weir::telemetry
