// A LogTime is a compiled time format: strftime's conversions in UTC, plus %s (seconds since the
// epoch), %f and %1f…%9f (that many fraction digits), and the %E extensions of Envoy's formatter
// (%E3S, %E*S, %E6f, %Ez, %ET). Immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/stream_info.h"

namespace weir::telemetry {

class LogTime {
 public:
  LogTime() = default;  // 2016-04-15T20:17:00.310Z
  // Every text is a format; what is no conversion is copied.
  explicit LogTime(std::string_view format);

  void append(std::string& to, WallTime time) const;

 private:
  enum class Kind : uint8_t { Strftime, Epoch, Fraction };
  struct Piece {
    Kind kind;
    int digits;          // Fraction: 1..9
    std::string format;  // Strftime
  };
  void strftimePiece(std::string_view format);

  std::vector<Piece> pieces_;  // empty: the default
};

}  // namespace weir::telemetry
