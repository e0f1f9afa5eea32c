// Byte sets turn a span of bytes into bit sets, one bit a byte, 64 bytes a word: the only SIMD of
// the codec. The grammar then walks bits, and is written once for every processor. Each function
// has a scalar, an SSE2 and an AVX2 version with the same answers (byte_sets_test.cc); the best one
// this processor has is chosen at start. None reads outside of the span. Bits past the end are 0.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir::codec {

// Which bytes are CR, which are LF. `size` <= 64 * the words given.
using LineEndsFn = void (*)(const char* data, size_t size, uint64_t* cr, uint64_t* lf);
// Which bytes are no tchar (RFC 9110 §5.6.2), and which no field value may hold (§5.5): all below
// 0x20 but HTAB, and 0x7f.
using FieldBytesFn = void (*)(const char* data, size_t size, uint64_t* not_token,
                              uint64_t* not_value);

struct ByteSetFunctions {
  const char* name;
  LineEndsFn line_ends;
  FieldBytesFn field_bytes;
};

extern const ByteSetFunctions kScalarByteSets;
extern const ByteSetFunctions kSse2ByteSets;
extern const ByteSetFunctions kAvx2ByteSets;  // call only when hasAvx2()
bool hasAvx2();
const ByteSetFunctions& byteSets();

// The offset of the first byte from `from` that may not stand in a request-target, or `size`: what
// is not visible ASCII, and '#'.
size_t findTargetEnd(const char* data, size_t from, size_t size);

// FieldBytes answers "where is the next byte that is not a token's / a value's" over one head,
// front to back, from a window of bit sets on the stack.
class FieldBytes {
 public:
  FieldBytes(const char* data, size_t size) : data_(data), size_(size) { load(0); }

  size_t nextNotToken(size_t from) { return next(from, not_token_); }
  size_t nextNotValue(size_t from) { return next(from, not_value_); }

 private:
  static constexpr size_t kWords = 16;
  static constexpr size_t kWindow = kWords * 64;

  // Only moves forward: the bytes before `from` are never asked for again.
  size_t next(size_t from, const uint64_t* set) {
    const size_t offset = from - base_;
    size_t word = offset / 64;
    if (word < words_) [[likely]] {
      if (const uint64_t bits = set[word] >> (offset % 64); bits != 0) [[likely]] {
        return from + static_cast<size_t>(std::countr_zero(bits));
      }
      while (++word < words_) {
        if (set[word] != 0) {
          return base_ + word * 64 + static_cast<size_t>(std::countr_zero(set[word]));
        }
      }
    }
    return nextWindow(from, set);
  }
  size_t nextWindow(size_t from, const uint64_t* set);
  void load(size_t base);

  const char* data_;
  size_t size_;
  size_t base_ = 0;   // multiple of 64
  size_t words_ = 0;  // of the window that are filled
  uint64_t not_token_[kWords];
  uint64_t not_value_[kWords];
};

}  // namespace weir::codec
