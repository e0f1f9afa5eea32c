// What may stand in a field of HTTP/2 (RFC 9113 §8.2.1), held to what HTTP/1 can say, too: what
// passes here means the same when it is written as HTTP/1 (RFC 9113 §10.3).
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "source/codec/http1/token.h"

namespace weir::codec {

// A token without upper-case letters.
inline bool isLowerToken(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    if (!isTokenByte(c) || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

constexpr bool isValueByte(char c) { return (isVisibleInValue(c) && c != 0x7f) || isSpaceOrTab(c); }

// Tab, visible ASCII, space and obs-text; neither space nor tab at an end. Eight bytes at once:
// a control byte, DEL or tab sends its eight to the slow way.
inline bool isHttp2Value(std::string_view text) {
  if (text.empty()) return true;
  if (isSpaceOrTab(text.front()) || isSpaceOrTab(text.back())) return false;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t bytes;
    std::memcpy(&bytes, text.data() + at, 8);
    const uint64_t below_space = (bytes - kOnes * 0x20) & ~bytes;
    const uint64_t del = bytes ^ kOnes * 0x7f;
    if (((below_space | ((del - kOnes) & ~del)) & kHighBits) == 0) continue;
    for (size_t i = at; i < at + 8; ++i) {
      if (!isValueByte(text[i])) return false;
    }
  }
  for (; at < text.size(); ++at) {
    if (!isValueByte(text[at])) return false;
  }
  return true;
}

// :path, and nothing but what a request line may hold: visible ASCII without '#'.
inline bool isTargetText(std::string_view text) {
  for (char c : text) {
    if (static_cast<uint8_t>(c - 0x21) > 0x7e - 0x21 || c == '#') return false;
  }
  return true;
}

// Digits, at most 2^63-1.
inline bool readContentLength(std::string_view text, int64_t& out) {
  if (text.empty() || text.size() > 19) return false;
  uint64_t value = 0;
  for (char c : text) {
    if (!isDigit(c)) return false;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > INT64_MAX) return false;
  out = static_cast<int64_t>(value);
  return true;
}

}  // namespace weir::codec
