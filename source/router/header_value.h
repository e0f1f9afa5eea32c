// A HeaderValue is the value of a configured field: plain text, or a format with access-log
// operators that is filled in for each request. Built once; read by every worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "source/telemetry/access_log_format.h"
#include "weir/arena.h"
#include "weir/result.h"
#include "weir/stream_info.h"

namespace weir::router {

class HeaderValue {
 public:
  // What an operator without a value prints.
  enum class Missing : uint8_t { Nothing, Dash };

  // "%%" is a percent sign; "%REQ(x)%" and the like are operators.
  static Result<HeaderValue> parse(std::string_view format, Missing missing = Missing::Nothing);

  // Lives as long as the arena and this object. Empty when there was nothing to print, or when the
  // result could not stand in a field (a control byte in it).
  std::string_view render(const StreamInfo& info, Arena& arena) const {
    return format_ == nullptr ? std::string_view(literal_) : renderFormat(info, arena);
  }

  // Operators that are accepted and never have a value, as they are written.
  std::span<const std::string> unsupported() const;

 private:
  std::string_view renderFormat(const StreamInfo& info, Arena& arena) const;

  std::string literal_;
  std::shared_ptr<const telemetry::AccessLogFormat> format_;
};

}  // namespace weir::router
