// The request-target of a request line, in one of its four forms (RFC 9112 §3.2).
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http1/parse_error.h"
#include "weir/head.h"

namespace weir::codec {

enum class TargetForm : uint8_t { Origin, Absolute, Authority, Asterisk };

// Sets path, and authority and scheme where the target has them, from the target's text, which
// holds visible ASCII without '#' only. `out.method` is known by then.
Fault readTarget(std::string_view target, RequestHead& out, TargetForm& form);

}  // namespace weir::codec
