#include "source/router/header_value.h"

#include "weir/fields.h"

namespace weir::router {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

Result<HeaderValue> HeaderValue::parse(std::string_view format, Missing missing) {
  auto compiled = telemetry::AccessLogFormat::compile(format, missing == Missing::Nothing);
  if (!compiled) return std::move(compiled.error());
  HeaderValue made;
  if (!compiled->isLiteral()) {
    made.format_ = std::make_shared<const telemetry::AccessLogFormat>(*std::move(compiled));
    return made;
  }
  std::string text;
  compiled->append(text, StreamInfo());
  made.literal_ = trim(text);
  if (!isFieldValue(made.literal_)) {
    return Error{"", "control characters cannot stand in a header value (RFC 9110 §5.5)"};
  }
  return made;
}

std::string_view HeaderValue::renderFormat(const StreamInfo& info, Arena& arena) const {
  static thread_local std::string t_text;
  t_text.clear();
  format_->append(t_text, info);
  const std::string_view text = trim(t_text);
  return isFieldValue(text) ? arena.copy(text) : std::string_view();
}

std::span<const std::string> HeaderValue::unsupported() const {
  return format_ == nullptr ? std::span<const std::string>()
                            : std::span<const std::string>(format_->unsupported());
}

}  // namespace weir::router
