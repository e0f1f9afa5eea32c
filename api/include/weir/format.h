// A Format is text with access-log operators ("%REQ(x)%-%PROTOCOL%"; "%%" is a percent sign),
// filled in for each request: the value of a configured header or parameter. What has no value
// prints nothing. Compiled once, on the main thread; immutable, so all workers may use it at the
// same time. Copies share it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/arena.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir {

namespace telemetry {
class AccessLogFormat;
}

class Format {
 public:
  // The error names the position, and the operator nearest to an unknown one. A text without
  // operators must be a field value.
  static Result<Format> parse(std::string_view text);

  // For a field: without spaces around it, and empty when it could not stand in one (RFC 9110
  // §5.5). Lives as long as the arena.
  std::string_view fieldValue(const StreamInfo& info, Arena& arena) const;
  void append(std::string& text, const StreamInfo& info) const;

  // Operators that are accepted and never have a value, as they are written: worth a warning.
  const std::vector<std::string>& unsupported() const;

 private:
  std::shared_ptr<const telemetry::AccessLogFormat> format_;
};

}  // namespace weir
