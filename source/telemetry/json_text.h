// Appends text to a JSON document: quotes, backslashes and control characters escaped, valid UTF-8
// kept as it is, any other byte written as \u00XX so that the document is valid whatever a client
// sent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::telemetry {

// Length of the UTF-8 sequence at the start of `text`, which is not empty (RFC 3629 §4); 0 when it
// is not one, cut off, or ASCII.
size_t utf8Length(std::string_view text);

// Without the surrounding quotes.
void appendJsonEscaped(std::string& to, std::string_view text);

inline void appendJsonString(std::string& to, std::string_view text) {
  to.push_back('"');
  appendJsonEscaped(to, text);
  to.push_back('"');
}

}  // namespace weir::telemetry
