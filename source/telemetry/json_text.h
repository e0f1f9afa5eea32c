// Appends text to a JSON document: quotes, backslashes and control characters escaped, valid UTF-8
// kept as it is, any other byte written as \u00XX so that the document is valid whatever a client
// sent.
#pragma once

#include <string>
#include <string_view>

namespace weir::telemetry {

// Without the surrounding quotes.
void appendJsonEscaped(std::string& to, std::string_view text);

inline void appendJsonString(std::string& to, std::string_view text) {
  to.push_back('"');
  appendJsonEscaped(to, text);
  to.push_back('"');
}

}  // namespace weir::telemetry
