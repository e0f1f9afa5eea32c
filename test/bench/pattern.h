// A Pattern is the endless text every benchmark body is cut from: byte i of a body is byte
// i mod kPeriod of one fixed block, so that both ends can produce and check any part of a body
// from its offset alone, without keeping the body. The period is prime: a part repeated, lost or
// shifted by a buffer size (a power of two) does not fit any more.
//
// Stateless, usable from any thread. Offsets and lengths are in bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::bench {

class Pattern {
 public:
  static constexpr std::size_t kPeriod = 251;
  static constexpr std::size_t kMaxPart = 256 * 1024;

  // The text that belongs at `offset`: `size` bytes of it, at most kMaxPart.
  static std::string_view part(std::uint64_t offset, std::uint64_t size) {
    static const std::string kBlock = makeBlock();
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(size, kMaxPart));
    return std::string_view(kBlock).substr(offset % kPeriod, length);
  }

  // Whether `bytes` is what belongs at `offset`.
  static bool matches(std::uint64_t offset, std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view wanted = part(offset, bytes.size());
      if (bytes.substr(0, wanted.size()) != wanted) return false;
      bytes.remove_prefix(wanted.size());
      offset += wanted.size();
    }
    return true;
  }

 private:
  static std::string makeBlock() {
    std::string block(kMaxPart + kPeriod, '\0');
    for (std::size_t i = 0; i < block.size(); ++i) {
      const std::size_t position = i % kPeriod;
      block[i] = static_cast<char>('a' + (position * position + position / 26) % 26);
    }
    return block;
  }
};

}  // namespace weir::bench
