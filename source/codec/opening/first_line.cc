#include "source/codec/opening/first_line.h"

#include <algorithm>

#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kLongestMethod = 64;

bool isTarget(std::string_view target) {
  return !target.empty() &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c != 0x7f; });
}

FirstLine classifyLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const size_t method_end = line.find(' ');
  const size_t version_at = line.rfind(' ');
  if (method_end == version_at ||
      !isTarget(line.substr(method_end + 1, version_at - method_end - 1)))
    return FirstLine::NotHttp;
  const std::string_view version = line.substr(version_at + 1);
  if (version == "HTTP/1.1") return FirstLine::Http11;
  return version == "HTTP/1.0" ? FirstLine::Http10 : FirstLine::NotHttp;
}

}  // namespace

FirstLine classifyHttp(std::string_view bytes) {
  const std::string_view begin = bytes.substr(0, kPreface.size());
  if (kPreface.starts_with(begin)) {
    return begin.size() == kPreface.size() ? FirstLine::Http2 : FirstLine::NeedMore;
  }
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // RFC 9112 §2.2
  if (bytes.empty() || bytes == "\r") return FirstLine::NeedMore;
  const size_t method_end = bytes.find(' ');
  const std::string_view method = bytes.substr(0, method_end);
  if (method.empty() || method.size() > kLongestMethod ||
      !std::all_of(method.begin(), method.end(), isTokenByte)) {
    return FirstLine::NotHttp;
  }
  const size_t end = bytes.find('\n');
  if (end != std::string_view::npos) return classifyLine(bytes.substr(0, end));
  return bytes.size() < kLongestFirstLine ? FirstLine::NeedMore : FirstLine::NotHttp;
}

}  // namespace weir::codec
