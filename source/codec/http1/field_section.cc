#include "source/codec/http1/field_section.h"

#include <cstring>
#include <limits>

#include "source/codec/http1/token.h"

namespace weir::codec {

Fault FieldSection::next(Field& field) {
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

// RFC 9112 §5.1 and §5.2: what stands where a name and its colon should.
Fault FieldSection::faultOfName(size_t stop) const {
  if (stop == size_) return Fault::MissingColon;
  const char byte = data_[stop];
  if (stop == at_) return isSpaceOrTab(byte) ? Fault::ObsFold : Fault::InvalidHeaderName;
  if (byte == '\r') return Fault::MissingColon;
  if (!isSpaceOrTab(byte)) return Fault::InvalidHeaderName;
  while (stop < size_ && isSpaceOrTab(data_[stop])) ++stop;
  return stop < size_ && data_[stop] == ':' ? Fault::SpaceBeforeColon : Fault::InvalidHeaderName;
}

}  // namespace weir::codec
