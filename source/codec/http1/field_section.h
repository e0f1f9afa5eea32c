// A FieldSection reads the field lines of a head or of trailers (RFC 9112 §5), one at a time, in
// place: names are lower-cased where they stand. The bytes are the caller's and outlive the fields.
// Used by the parsers of this folder; one pass, O(bytes).
#pragma once

#include <cstddef>
#include <cstring>
#include <limits>

#include "source/codec/http1/byte_sets.h"
#include "source/codec/http1/parse_error.h"
#include "source/codec/http1/token.h"
#include "weir/fields.h"

namespace weir::codec {

class FieldSection {
 public:
  // The whole message part; reading starts at `at`.
  FieldSection(char* data, size_t size, size_t at = 0)
      : bytes_(data, size), data_(data), size_(size), at_(at) {}

  // The section ends with an empty line.
  bool atEnd() const { return at_ + 1 < size_ && data_[at_] == '\r' && data_[at_ + 1] == '\n'; }
  // Whether the empty line is the last of the bytes given.
  bool endsHere() const { return at_ + 2 == size_; }

  // Reads one line; only while !atEnd().
  Fault next(Field& field);

  // For the start line that stands before the fields.
  size_t nextNotToken(size_t from) { return bytes_.nextNotToken(from); }
  size_t nextNotValue(size_t from) { return bytes_.nextNotValue(from); }
  void moveTo(size_t at) { at_ = at; }
  size_t at() const { return at_; }

 private:
  Fault faultOfName(size_t stop) const;

  FieldBytes bytes_;
  char* data_;
  size_t size_;
  size_t at_;
};

// Inlined into its callers' loops: it runs for each line of each head.
[[gnu::always_inline]] inline Fault FieldSection::next(Field& field) {
  // Copies: bytes are written below, and a byte may alias any member.
  char* const data = data_;
  const size_t size = size_;
  const size_t start = at_;

  const size_t colon = bytes_.nextNotToken(start);
  if (colon == size || data[colon] != ':' || colon == start) [[unlikely]]
    return faultOfName(colon);
  const size_t name_size = colon - start;
  if (name_size > std::numeric_limits<uint16_t>::max()) return Fault::HeaderNameTooLong;

  // RFC 9110 §5.5: HTAB, visible ASCII and obs-text; anything else ends the value and must be CRLF.
  const size_t end = bytes_.nextNotValue(colon + 1);
  if (end + 1 >= size || std::memcmp(data + end, "\r\n", 2) != 0) [[unlikely]] {
    return end < size && data[end] == '\n' ? Fault::BareLf : Fault::InvalidHeaderValue;
  }
  at_ = end + 2;

  // Usual: one space, and a value that begins and ends with neither space nor tab.
  size_t first = colon + 2;
  size_t last = end;
  bool verbatim = data[colon + 1] == ' ';
  if (!verbatim || first >= end || !isVisibleInValue(data[first]) ||
      !isVisibleInValue(data[end - 1])) {
    first = colon + 1;
    while (first < last && isSpaceOrTab(data[first])) ++first;
    while (last > first && isSpaceOrTab(data[last - 1])) --last;
    verbatim = verbatim && first == colon + 2 && last == end;
  }

  lowerToken(data + start, name_size, size - start);
  field.name_data = data + start;
  field.value_data = data + first;
  field.value_size = static_cast<uint32_t>(last - first);
  field.name_size = static_cast<uint16_t>(name_size);
  field.id = headerIdOf({data + start, name_size});
  field.flags = verbatim ? Field::kVerbatim : 0;
  return Fault::None;
}

}  // namespace weir::codec
