// classifyHttp() says which HTTP a connection begins with, by its first bytes: the preface of
// HTTP/2 (RFC 9113 §3.4), or a whole request line (RFC 9112 §3). Pure; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::codec {

enum class FirstLine : uint8_t { NeedMore, Http10, Http11, Http2, NotHttp };

inline constexpr size_t kLongestFirstLine = 8 * 1024;

// `bytes`: everything the connection has sent, from its first byte.
FirstLine classifyHttp(std::string_view bytes);

}  // namespace weir::codec
