#include "source/codec/http1/authority.h"

#include <array>

#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

// RFC 3986 reg-name without '%', which needs two digits after it, and without ','.
constexpr std::array<bool, 256> makeNameBytes() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (char c : std::string_view("-._~!$&'()*+;=")) table[static_cast<uint8_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kNameBytes = makeNameBytes();

bool isPort(std::string_view digits) {
  if (digits.size() > 5) return false;
  uint32_t value = 0;
  for (char c : digits) {
    if (!isDigit(c)) return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value <= 65535;
}

bool isPortPart(std::string_view rest, Port port) {
  if (rest.empty()) return port == Port::Optional;
  if (rest[0] != ':') return false;
  rest.remove_prefix(1);
  return isPort(rest) && (port == Port::Optional || !rest.empty());
}

bool isIpv4(std::string_view text) {
  int parts = 0;
  size_t at = 0;
  while (true) {
    const size_t start = at;
    int value = 0;
    while (at < text.size() && at - start < 3 && isDigit(text[at])) {
      value = value * 10 + (text[at++] - '0');
    }
    const size_t digits = at - start;
    if (digits == 0 || value > 255 || (digits > 1 && text[start] == '0')) return false;
    if (++parts == 4) return at == text.size();
    if (at == text.size() || text[at++] != '.') return false;
  }
}

}  // namespace

bool isIpv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  size_t at = 0;
  if (text.substr(0, 2) == "::") {
    gap = true;
    at = 2;
  }
  while (at < text.size()) {
    const size_t start = at;
    while (at < text.size() && at - start < 4 && hexOf(text[at]) >= 0) ++at;
    if (at < text.size() && text[at] == '.') {
      groups += 2;
      if (!isIpv4(text.substr(start))) return false;
      break;
    }
    if (at == start || ++groups > 8) return false;
    if (at == text.size()) break;
    if (text[at++] != ':' || at == text.size()) return false;
    if (text[at] == ':') {
      if (gap) return false;
      gap = true;
      ++at;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

bool isAuthority(std::string_view text, Port port) {
  if (!text.empty() && text[0] == '[') {
    const size_t close = text.find(']');
    return close != text.npos && isIpv6(text.substr(1, close - 1)) &&
           isPortPart(text.substr(close + 1), port);
  }
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (kNameBytes[static_cast<uint8_t>(text[at])]) continue;
    if (text[at] != '%') break;
    if (text.size() - at < 3 || hexOf(text[at + 1]) < 0 || hexOf(text[at + 2]) < 0) return false;
    at += 2;
  }
  return at != 0 && isPortPart(text.substr(at), port);
}

}  // namespace weir::codec
