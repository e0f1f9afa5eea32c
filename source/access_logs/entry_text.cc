#include "source/access_logs/entry_text.h"

#include <algorithm>

#include "source/telemetry/json_text.h"

namespace weir::access_logs {

std::string entryText(std::string_view bytes) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  std::string text(bytes);
  auto at = std::find_if_not(text.begin(), text.end(), ascii);
  while (at != text.end()) {
    const std::string_view rest(&*at, static_cast<size_t>(text.end() - at));
    const size_t sequence = telemetry::utf8Length(rest);
    if (sequence == 0) *at = '!';
    at = std::find_if_not(at + static_cast<std::ptrdiff_t>(std::max<size_t>(sequence, 1)),
                          text.end(), ascii);
  }
  return text;
}

}  // namespace weir::access_logs
