#include "source/telemetry/access_log_format.h"

#include <charconv>

#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

constexpr std::string_view kDefault =
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% "
    "%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    "\"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" "
    "\"%REQ(:AUTHORITY)%\" "
    "\"%UPSTREAM_HOST%\"\n";

Error errorAt(size_t position, const std::string& text) {
  return Error{"", "at position " + std::to_string(position) + ": " + text};
}

bool isCommandChar(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

}  // namespace

// `at` is the position of a '%' that starts an operator: %COMMAND, then maybe (parameter), then
// maybe :length, then %. Returns the position after it.
Result<size_t> AccessLogFormat::compileOperator(std::string_view format, size_t at) {
  size_t end = at + 1;
  while (end < format.size() && isCommandChar(format[end])) ++end;
  const std::string_view command = format.substr(at + 1, end - at - 1);
  if (command.empty()) return errorAt(at, "'%' starts no operator; write '%%' for a percent sign");
  std::string_view parameter;
  const bool has_parameter = end < format.size() && format[end] == '(';
  if (has_parameter) {
    const size_t close = format.find(')', end);
    if (close == std::string_view::npos) return errorAt(end, "'(' is not closed");
    parameter = format.substr(end + 1, close - end - 1);
    end = close + 1;
  }
  uint32_t max_length = LogOperator::kWhole;
  if (end < format.size() && format[end] == ':') {
    const char* digits = format.data() + end + 1;
    const auto [stop, error] = std::from_chars(digits, format.data() + format.size(), max_length);
    if (error != std::errc()) return errorAt(end, "':' is not followed by a length");
    end = static_cast<size_t>(stop - format.data());
  }
  if (end >= format.size() || format[end] != '%') {
    return errorAt(at, "operator '" + std::string(command) + "' is not ended by '%'");
  }
  auto op = LogOperator::compile(command, parameter, has_parameter, max_length);
  if (!op) return errorAt(at, op.error().text);
  if (!op->isSupported()) unsupported_.emplace_back(format.substr(at, end + 1 - at));
  pieces_.back().op = *std::move(op);
  pieces_.back().has_op = true;
  return end + 1;
}

Result<AccessLogFormat> AccessLogFormat::compile(std::string_view format, bool omit_empty_values) {
  AccessLogFormat made;
  made.omit_empty_ = omit_empty_values;
  made.pieces_.emplace_back();
  size_t at = 0;
  while (at < format.size()) {
    const size_t percent = std::min(format.find('%', at), format.size());
    made.pieces_.back().literal.append(format.substr(at, percent - at));
    at = percent;
    if (at == format.size()) break;
    if (format.substr(at).starts_with("%%")) {
      made.pieces_.back().literal.push_back('%');
      at += 2;
      continue;
    }
    auto next = made.compileOperator(format, at);
    if (!next) return next.error();
    at = *next;
    made.pieces_.emplace_back();
  }
  if (made.pieces_.back().literal.empty()) made.pieces_.pop_back();
  return made;
}

const AccessLogFormat& AccessLogFormat::envoyDefault() {
  static const AccessLogFormat kFormat = *compile(kDefault);
  return kFormat;
}

void AccessLogFormat::append(std::string& line, const StreamInfo& info) const {
  static thread_local std::string t_scratch;
  for (const Piece& piece : pieces_) {
    line.append(piece.literal);
    if (!piece.has_op) continue;
    const LogValue value = piece.op.value(info, t_scratch);
    switch (value.kind) {
      case LogValue::Kind::Text:
      case LogValue::Kind::Json:
        line.append(value.text);
        break;
      case LogValue::Kind::Number:
        appendNumber(line, value.number);
        break;
      case LogValue::Kind::None:
        if (!omit_empty_) line.push_back('-');
        break;
    }
  }
}

const LogOperator* AccessLogFormat::single() const {
  const bool is_single = pieces_.size() == 1 && pieces_[0].has_op && pieces_[0].literal.empty();
  return is_single ? &pieces_[0].op : nullptr;
}

bool AccessLogFormat::isLiteral() const {
  return pieces_.empty() || (pieces_.size() == 1 && !pieces_[0].has_op);
}

}  // namespace weir::telemetry
