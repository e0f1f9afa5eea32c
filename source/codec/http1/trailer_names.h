// What becomes of a trailer field by its name (RFC 9110 §6.5.1): trailers must not change how a
// message is framed, routed, authenticated or processed, as all that was decided when its head was
// read.
#pragma once

#include <cstdint>

#include "weir/fields.h"

namespace weir::codec {

enum class TrailerRule : uint8_t {
  Keep,
  Drop,    // not allowed in trailers, harmless without
  Refuse,  // framing or routing: nobody sends this by mistake
};

TrailerRule trailerRuleOf(const Field& field);

}  // namespace weir::codec
