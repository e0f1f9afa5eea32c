#include "source/codec/http1/line_ends.h"

#include <algorithm>
#include <bit>

#include "source/codec/http1/byte_sets.h"

namespace weir::codec {

LineEnds::Found LineEnds::feed(const char* data, size_t size) {
  constexpr size_t kWords = 4;  // a body may follow: little of it is looked at in vain
  uint64_t crs[kWords];
  uint64_t lfs[kWords];
  for (size_t base = 0; base < size; base += kWords * 64) {
    const size_t span = std::min(size - base, kWords * 64);
    byteSets().line_ends(data + base, span, crs, lfs);
    for (size_t at = 0; at < span; at += 64) {
      const uint64_t cr = crs[at / 64];
      const uint64_t lf = lfs[at / 64];
      const size_t bytes = std::min<size_t>(span - at, 64);
      // RFC 9112 §2.2: a line ends with CRLF. Each LF stands right after a CR, and each CR right
      // before an LF, so the sets are equal once the CRs are moved up by one.
      const uint64_t wrong = (lf ^ (cr << 1 | cr_before_)) & (~uint64_t{0} >> (64 - bytes));
      // An LF two bytes after an LF ends an empty line.
      const uint64_t end = lf & (lf << 2 | lf_before_);
      if ((wrong | end) != 0) [[unlikely]] {
        const auto first = static_cast<size_t>(std::countr_zero(wrong | end));
        saw_line_ = saw_line_ || (lf & ~wrong & ((uint64_t{1} << first) - 1)) != 0;
        if ((wrong >> first & 1) == 0) return {base + at + first + 1, Fault::None};
        return {0, (lf >> first & 1) != 0 ? Fault::BareLf : Fault::BareCr};
      }
      saw_line_ = saw_line_ || lf != 0;
      cr_before_ = static_cast<uint8_t>(cr >> (bytes - 1) & 1);
      const uint64_t two = bytes == 1 ? lf << 1 | lf_before_ >> 1 : lf >> (bytes - 2);
      lf_before_ = static_cast<uint8_t>(two & 3);
    }
  }
  return {};
}

}  // namespace weir::codec
