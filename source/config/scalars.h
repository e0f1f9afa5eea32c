// What the text of a scalar means to a field of each type, by the proto3 JSON mapping and by YAML
// 1.1 as Envoy reads it. Pure functions: nullopt when the text is not such a value, or out of
// range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/config/tree.h"

namespace weir::config {

struct Seconds {
  int64_t seconds = 0;
  int32_t nanos = 0;  // same sign as seconds

  bool operator==(const Seconds&) const = default;
};

// "true" and "false"; unquoted also y, yes, on, n, no, off (yaml-cpp's list, any usual letter
// case).
std::optional<bool> readBool(const Node& scalar);

// Decimal; also "1e3" and "2.0" when whole. Unquoted also 0x1F, 0o17 and 017 (octal, as in Envoy:
// `mode: 0644`); 089 unquoted is refused, it would mean something else to each reader.
std::optional<int64_t> readInt(const Node& scalar, int64_t min, int64_t max);
std::optional<uint64_t> readUint(const Node& scalar, uint64_t max);

// Decimal and exponent forms, Infinity, -Infinity, NaN, and YAML's .inf and .nan.
std::optional<double> readDouble(const Node& scalar);
std::optional<float> readFloat(const Node& scalar);

// RFC 4648 §4 or §5 (URL-safe), with or without padding.
std::optional<std::string> readBase64(std::string_view text);

// "1.5s"; an extension: h, m, ms, us and ns. At most ±315576000000 s and nine digits behind the
// point; what is finer than a nanosecond is refused.
std::optional<Seconds> readDuration(std::string_view text);

}  // namespace weir::config
