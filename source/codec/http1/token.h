// The letters of HTTP's grammar (RFC 9110 §5.6.2): what a token is made of, and its comparison and
// lower-casing without regard to locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace weir::codec {

constexpr std::array<bool, 256> makeTokenBytes() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kTokenBytes = makeTokenBytes();

constexpr bool isTokenByte(char c) { return kTokenBytes[static_cast<uint8_t>(c)]; }
constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isSpaceOrTab(char c) { return c == ' ' || c == '\t'; }
// Of the bytes a field value may hold: neither space nor tab; obs-text counts as visible.
constexpr bool isVisibleInValue(char c) { return static_cast<uint8_t>(c) > ' '; }
constexpr char lowerOf(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Hexadecimal value, or -1.
constexpr int hexOf(char c) {
  if (isDigit(c)) return c - '0';
  const char lower = lowerOf(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The number that 1 to 19 digits write, leading zeros included; nothing for any other text.
constexpr std::optional<uint64_t> decimalOf(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (char c : text) {
    if (!isDigit(c)) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && isSpaceOrTab(text.front())) text.remove_prefix(1);
  while (!text.empty() && isSpaceOrTab(text.back())) text.remove_suffix(1);
  return text;
}

constexpr uint64_t kOnes = 0x0101010101010101;
constexpr uint64_t kHighBits = kOnes * 0x80;

// Lower-cases the letters of eight ASCII bytes at once.
constexpr uint64_t lowerEight(uint64_t bytes) {
  const uint64_t from_a = bytes + kOnes * (0x80 - 'A');
  const uint64_t after_z = bytes + kOnes * (0x80 - 'Z' - 1);
  return bytes | ((from_a & ~after_z & kHighBits) >> 2);
}

// `lower` is ASCII in lower case. Eight bytes at once where there are as many: blocks may overlap.
inline bool equalsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  if (text.size() < 8) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (lowerOf(text[i]) != lower[i]) return false;
    }
    return true;
  }
  const auto same = [&](size_t at) {
    uint64_t a;
    uint64_t b;
    std::memcpy(&a, text.data() + at, 8);
    std::memcpy(&b, lower.data() + at, 8);
    return (a & kHighBits) == 0 && lowerEight(a) == b;
  };
  for (size_t at = 0; at + 8 < text.size(); at += 8) {
    if (!same(at)) return false;
  }
  return same(text.size() - 8);
}

// Lower-cases a token in place. `room` bytes from `data` may be written: the ones after the token
// are written as they are. Blocks may overlap: lower-casing twice is lower-casing.
inline void lowerToken(char* data, size_t size, size_t room) {
  // Of eight bytes, the first `count`.
  const auto eight = [](char* at, size_t count) {
    uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    // Bytes after the token may be any; what their sums carry goes to later bytes only.
    const uint64_t mask = ~uint64_t{0} >> (64 - 8 * count);
    bytes = (lowerEight(bytes) & mask) | (bytes & ~mask);
    std::memcpy(at, &bytes, 8);
  };
  if (size >= 8) [[likely]] {
    for (size_t at = 0; at + 8 < size; at += 8) eight(data + at, 8);
    eight(data + size - 8, 8);
  } else if (room >= 8 && size != 0) [[likely]] {
    eight(data, size);
  } else {
    for (size_t i = 0; i < size; ++i) data[i] = lowerOf(data[i]);
  }
}

}  // namespace weir::codec
