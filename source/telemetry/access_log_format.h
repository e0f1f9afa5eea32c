// An AccessLogFormat is a compiled access-log format in Envoy's syntax: text with %COMMAND%
// operators. It is compiled once, on the main thread, is immutable, and turns one finished
// StreamInfo into one line on any worker. Appending allocates nothing once the line's buffer has
// grown.
//
// Header values are written as they came (a codec lets no control byte into a field value, so a
// line stays a line); JSON formats escape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/telemetry/log_operator.h"

namespace weir::telemetry {

class AccessLogFormat {
 public:
  // The error's text names the position (from 0, in bytes) and, for an unknown operator, the
  // nearest. `omit_empty_values`: what has no value prints nothing instead of "-".
  static Result<AccessLogFormat> compile(std::string_view format, bool omit_empty_values = false);
  // Envoy's default line, with its newline.
  static const AccessLogFormat& envoyDefault();

  void append(std::string& line, const StreamInfo& info) const;

  // For a format that is exactly one operator: its value with its type. Else null.
  const LogOperator* single() const;
  // True when there is no operator in it.
  bool isLiteral() const;
  // Accepted operators that are always empty, as written in the format.
  const std::vector<std::string>& unsupported() const { return unsupported_; }

 private:
  struct Piece {
    std::string literal;  // comes before the operator
    LogOperator op;
    bool has_op = false;
  };
  Result<size_t> compileOperator(std::string_view format, size_t at);

  std::vector<Piece> pieces_;
  std::vector<std::string> unsupported_;
  bool omit_empty_ = false;
};

}  // namespace weir::telemetry
