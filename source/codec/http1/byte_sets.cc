#include "source/codec/http1/byte_sets.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "source/codec/http1/token.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir::codec {
namespace {

constexpr bool isValueByte(unsigned c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }
constexpr bool isTargetByte(unsigned c) { return c > 0x20 && c < 0x7f && c != '#'; }

void lineEndsScalar(const char* data, size_t size, uint64_t* cr, uint64_t* lf) {
  for (size_t i = 0; i < size; ++i) {
    if (i % 64 == 0) cr[i / 64] = lf[i / 64] = 0;
    cr[i / 64] |= uint64_t{data[i] == '\r'} << (i % 64);
    lf[i / 64] |= uint64_t{data[i] == '\n'} << (i % 64);
  }
}

void fieldBytesScalar(const char* data, size_t size, uint64_t* not_token, uint64_t* not_value) {
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(data[i]);
    if (i % 64 == 0) not_token[i / 64] = not_value[i / 64] = 0;
    not_token[i / 64] |= uint64_t{!isTokenByte(data[i])} << (i % 64);
    not_value[i / 64] |= uint64_t{!isValueByte(byte)} << (i % 64);
  }
}

#if defined(__x86_64__)
#define WEIR_AVX2 __attribute__((target("avx2")))

// The last bytes of a span as a whole block, so that nothing past the span is read.
struct Tail {
  alignas(32) char bytes[64] = {};
  uint64_t mask;
  Tail(const char* data, size_t size) : mask((uint64_t{1} << size) - 1) {
    std::memcpy(bytes, data, size);
  }
};

struct Pair {
  uint64_t first;
  uint64_t second;
};

uint64_t maskOf(__m128i a, __m128i b, __m128i c, __m128i d) {
  const auto bits = [](__m128i v) { return static_cast<uint64_t>(_mm_movemask_epi8(v)); };
  return bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48;
}

Pair lineEndsBlockSse2(const char* at) {
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i lf = _mm_set1_epi8('\n');
  __m128i v[4];
  for (int i = 0; i < 4; ++i) v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i);
  return {maskOf(_mm_cmpeq_epi8(v[0], cr), _mm_cmpeq_epi8(v[1], cr), _mm_cmpeq_epi8(v[2], cr),
                 _mm_cmpeq_epi8(v[3], cr)),
          maskOf(_mm_cmpeq_epi8(v[0], lf), _mm_cmpeq_epi8(v[1], lf), _mm_cmpeq_epi8(v[2], lf),
                 _mm_cmpeq_epi8(v[3], lf))};
}

void lineEndsSse2(const char* data, size_t size, uint64_t* cr, uint64_t* lf) {
  for (; size >= 64; data += 64, size -= 64) {
    const Pair found = lineEndsBlockSse2(data);
    *cr++ = found.first;
    *lf++ = found.second;
  }
  if (size == 0) return;
  const Tail tail(data, size);
  const Pair found = lineEndsBlockSse2(tail.bytes);
  *cr = found.first & tail.mask;
  *lf = found.second & tail.mask;
}

// SSE2 has no byte shuffle, so the token set is built from ranges: 0x21..0x7e less the 17
// delimiters.
__m128i notTokenSse2(__m128i v) {
  const auto is = [&](char c) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(c)); };
  // Signed compare: bytes from 0x80 are negative, so "<= 0x20" finds them, too.
  const auto between = [&](char low, char high) {
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(v, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  __m128i bad = _mm_cmplt_epi8(v, _mm_set1_epi8('!'));
  bad = _mm_or_si128(bad, _mm_or_si128(is('"'), between('(', ')')));
  bad = _mm_or_si128(bad, _mm_or_si128(is(','), is('/')));
  bad = _mm_or_si128(bad, _mm_or_si128(between(':', '@'), between('[', ']')));
  bad = _mm_or_si128(bad, _mm_or_si128(is('{'), is('}')));
  return _mm_or_si128(bad, is(0x7f));
}

__m128i notValueSse2(__m128i v) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  return _mm_or_si128(_mm_andnot_si128(tab, low), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
}

Pair fieldBytesBlockSse2(const char* at) {
  __m128i v[4];
  for (int i = 0; i < 4; ++i) v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + i);
  return {maskOf(notTokenSse2(v[0]), notTokenSse2(v[1]), notTokenSse2(v[2]), notTokenSse2(v[3])),
          maskOf(notValueSse2(v[0]), notValueSse2(v[1]), notValueSse2(v[2]), notValueSse2(v[3]))};
}

void fieldBytesSse2(const char* data, size_t size, uint64_t* not_token, uint64_t* not_value) {
  for (; size >= 64; data += 64, size -= 64) {
    const Pair found = fieldBytesBlockSse2(data);
    *not_token++ = found.first;
    *not_value++ = found.second;
  }
  if (size == 0) return;
  const Tail tail(data, size);
  const Pair found = fieldBytesBlockSse2(tail.bytes);
  *not_token = found.first & tail.mask;
  *not_value = found.second & tail.mask;
}

WEIR_AVX2 inline uint64_t maskOf(__m256i a, __m256i b) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(a)) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(b))) << 32;
}

WEIR_AVX2 inline __m256i load(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

WEIR_AVX2 inline Pair lineEndsBlockAvx2(const char* at) {
  const __m256i cr = _mm256_set1_epi8('\r');
  const __m256i lf = _mm256_set1_epi8('\n');
  const __m256i a = load(at);
  const __m256i b = load(at + 32);
  return {maskOf(_mm256_cmpeq_epi8(a, cr), _mm256_cmpeq_epi8(b, cr)),
          maskOf(_mm256_cmpeq_epi8(a, lf), _mm256_cmpeq_epi8(b, lf))};
}

WEIR_AVX2 void lineEndsAvx2(const char* data, size_t size, uint64_t* cr, uint64_t* lf) {
  for (; size >= 64; data += 64, size -= 64) {
    const Pair found = lineEndsBlockAvx2(data);
    *cr++ = found.first;
    *lf++ = found.second;
  }
  if (size == 0) return;
  const Tail tail(data, size);
  const Pair found = lineEndsBlockAvx2(tail.bytes);
  *cr = found.first & tail.mask;
  *lf = found.second & tail.mask;
}

// Row r, bit h: the byte with low nibble r and high nibble h (0..7) is a tchar.
constexpr std::array<uint8_t, 16> makeTokenRows() {
  std::array<uint8_t, 16> rows{};
  for (unsigned c = 0; c < 128; ++c) {
    if (isTokenByte(static_cast<char>(c)))
      rows[c & 15] = static_cast<uint8_t>(rows[c & 15] | 1u << (c >> 4));
  }
  return rows;
}
alignas(16) constexpr std::array<uint8_t, 16> kTokenRows = makeTokenRows();
alignas(16) constexpr std::array<uint8_t, 16> kNibbleBits = {1, 2, 4, 8, 16, 32, 64, 128};

struct TokenTables {
  __m256i rows;
  __m256i bits;
};

WEIR_AVX2 inline __m256i inBothLanes(const std::array<uint8_t, 16>& row) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row.data())));
}

WEIR_AVX2 inline __m256i notToken(__m256i v, const TokenTables& tables) {
  // A shuffle index with its top bit set gives 0, so bytes from 0x80 match no row.
  const __m256i row = _mm256_shuffle_epi8(tables.rows, v);
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
  const __m256i bit = _mm256_shuffle_epi8(tables.bits, high);
  return _mm256_cmpeq_epi8(_mm256_and_si256(row, bit), _mm256_setzero_si256());
}

WEIR_AVX2 inline __m256i notValue(__m256i v) {
  const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
  const __m256i tab = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t'));
  return _mm256_or_si256(_mm256_andnot_si256(tab, low),
                         _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f)));
}

WEIR_AVX2 inline Pair fieldBytesBlockAvx2(const char* at, const TokenTables& tables) {
  const __m256i a = load(at);
  const __m256i b = load(at + 32);
  return {maskOf(notToken(a, tables), notToken(b, tables)), maskOf(notValue(a), notValue(b))};
}

WEIR_AVX2 void fieldBytesAvx2(const char* data, size_t size, uint64_t* not_token,
                              uint64_t* not_value) {
  const TokenTables tables = {inBothLanes(kTokenRows), inBothLanes(kNibbleBits)};
  for (; size >= 64; data += 64, size -= 64) {
    const Pair found = fieldBytesBlockAvx2(data, tables);
    *not_token++ = found.first;
    *not_value++ = found.second;
  }
  if (size == 0) return;
  const Tail tail(data, size);
  const Pair found = fieldBytesBlockAvx2(tail.bytes, tables);
  *not_token = found.first & tail.mask;
  *not_value = found.second & tail.mask;
}
#endif

}  // namespace

const ByteSetFunctions kScalarByteSets = {"scalar", lineEndsScalar, fieldBytesScalar};
#if defined(__x86_64__)
const ByteSetFunctions kSse2ByteSets = {"sse2", lineEndsSse2, fieldBytesSse2};
const ByteSetFunctions kAvx2ByteSets = {"avx2", lineEndsAvx2, fieldBytesAvx2};
bool hasAvx2() { return __builtin_cpu_supports("avx2") != 0; }
#else
const ByteSetFunctions kSse2ByteSets = kScalarByteSets;
const ByteSetFunctions kAvx2ByteSets = kScalarByteSets;
bool hasAvx2() { return false; }
#endif

const ByteSetFunctions& byteSets() {
  static const ByteSetFunctions& best = hasAvx2() ? kAvx2ByteSets : kSse2ByteSets;
  return best;
}

size_t findTargetEnd(const char* data, size_t from, size_t size) {
#if defined(__x86_64__)
  for (; size - from >= 16; from += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + from));
    // Signed compare: "> 0x20" leaves out the bytes from 0x80, too.
    const __m128i good = _mm_cmpgt_epi8(v, _mm_set1_epi8(' '));
    const __m128i bad =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('#')), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    const unsigned stop = static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(bad, good)));
    if (stop != 0xffff) return from + static_cast<size_t>(std::countr_one(stop));
  }
#endif
  while (from < size && isTargetByte(static_cast<uint8_t>(data[from]))) ++from;
  return from;
}

// The window in use has no more of them.
size_t FieldBytes::nextWindow(size_t from, const uint64_t* set) {
  from = std::max(from, base_ + words_ * 64);
  if (from >= size_) return size_;
  load(from & ~size_t{63});
  return next(from, set);
}

void FieldBytes::load(size_t base) {
  base_ = base;
  const size_t size = std::min(size_ - base, kWindow);
  words_ = (size + 63) / 64;
  byteSets().field_bytes(data_ + base, size, not_token_, not_value_);
}

}  // namespace weir::codec
