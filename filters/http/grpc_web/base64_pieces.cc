#include "filters/http/grpc_web/base64_pieces.h"

#include <array>

namespace weir::filters::grpc_web {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kInvalid = 255;

constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kInvalid);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return values;
}();

}  // namespace

bool Base64Decoder::take(char c, std::string& out) {
  uint32_t value = 0;
  if (c == '=') {
    if (held_ < 2) return false;
    ++padding_;
  } else {
    value = kValues[static_cast<uint8_t>(c)];
    if (value == kInvalid || padding_ != 0) return false;
  }
  bits_ = bits_ << 6 | value;
  if (++held_ < 4) return true;
  // Bits that stand for nothing must not say anything (RFC 4648 §3.5).
  const uint32_t unused = padding_ == 0 ? 0 : (1u << (8 * padding_)) - 1;
  if ((bits_ & unused) != 0) return false;
  for (uint32_t i = 0; i < 3 - padding_; ++i) out += static_cast<char>(bits_ >> (16 - 8 * i));
  bits_ = held_ = padding_ = 0;
  return true;
}

bool Base64Decoder::decode(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (!take(c, out)) return false;
  }
  return true;
}

void Base64Encoder::encode(std::string_view data, std::string& out) {
  for (const char c : data) {
    bits_ = bits_ << 8 | static_cast<uint8_t>(c);
    if (++held_ < 3) continue;
    for (int shift = 18; shift >= 0; shift -= 6) out += kAlphabet[bits_ >> shift & 63];
    bits_ = held_ = 0;
  }
}

void Base64Encoder::flush(std::string& out) {
  if (held_ == 0) return;
  const uint32_t bits = bits_ << (8 * (3 - held_));
  for (uint32_t i = 0; i < 4; ++i) out += i <= held_ ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  bits_ = held_ = 0;
}

}  // namespace weir::filters::grpc_web
