#include "weir/format.h"

#include "source/telemetry/access_log_format.h"
#include "weir/fields.h"

namespace weir {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

Result<Format> Format::parse(std::string_view text) {
  auto compiled = telemetry::AccessLogFormat::compile(text, true);
  if (!compiled) return std::move(compiled.error());
  Format made;
  made.format_ = std::make_shared<const telemetry::AccessLogFormat>(*std::move(compiled));
  if (!made.format_->isLiteral()) return made;
  std::string plain;
  made.append(plain, StreamInfo());
  if (!isFieldValue(trim(plain))) {
    return Error{"", "control characters cannot stand in a header value (RFC 9110 §5.5)"};
  }
  return made;
}

std::string_view Format::fieldValue(const StreamInfo& info, Arena& arena) const {
  static thread_local std::string t_text;
  t_text.clear();
  append(t_text, info);
  const std::string_view text = trim(t_text);
  return isFieldValue(text) ? arena.copy(text) : std::string_view();
}

void Format::append(std::string& text, const StreamInfo& info) const {
  format_->append(text, info);
}

const std::vector<std::string>& Format::unsupported() const { return format_->unsupported(); }

}  // namespace weir
