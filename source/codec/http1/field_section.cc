#include "source/codec/http1/field_section.h"

#include "source/codec/http1/token.h"

namespace weir::codec {

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
