// A FieldSection reads the field lines of a head or of trailers (RFC 9112 §5), one at a time, in
// place: names are lower-cased where they stand. The bytes are the caller's and outlive the fields.
// Used by the parsers of this folder; one pass, O(bytes).
#pragma once

#include <cstddef>

#include "source/codec/http1/byte_sets.h"
#include "source/codec/http1/parse_error.h"
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

}  // namespace weir::codec
