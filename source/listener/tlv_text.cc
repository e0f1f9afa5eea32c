#include "source/listener/tlv_text.h"

#include <cstdint>

namespace weir::listener {
namespace {

uint32_t byteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

// The length of the well-formed character in front (Unicode, table 3-7); 0: there is none.
size_t characterSize(std::string_view bytes) {
  const uint32_t first = byteAt(bytes, 0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byteAt(bytes, i) & 0xc0) != 0x80) return 0;
  }
  const uint32_t second = byteAt(bytes, 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

}  // namespace

std::string printableOf(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t size = characterSize(bytes);
    size == 0 ? text.push_back('!') : static_cast<void>(text.append(bytes.substr(0, size)));
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return text;
}

std::string base64Of(std::string_view bytes) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t left = bytes.size() - at;
    const uint32_t three = byteAt(bytes, at) << 16 | (left > 1 ? byteAt(bytes, at + 1) << 8 : 0) |
                           (left > 2 ? byteAt(bytes, at + 2) : 0);
    text.push_back(kLetters[three >> 18]);
    text.push_back(kLetters[three >> 12 & 63]);
    text.push_back(left > 1 ? kLetters[three >> 6 & 63] : '=');
    text.push_back(left > 2 ? kLetters[three & 63] : '=');
  }
  return text;
}

}  // namespace weir::listener
