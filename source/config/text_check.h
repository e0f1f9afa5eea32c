// Checks made on the bytes of a configuration text before any parser sees them, so that the parsers
// meet only well-formed UTF-8 of bounded size and bounded nesting. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "source/config/tree.h"
#include "weir/report.h"

namespace weir::config {

// Bytes of the UTF-8 sequence that starts `text`, 0 if it is malformed. RFC 3629 §4.
size_t utf8Length(std::string_view text);

// Removes a UTF-8 byte order mark.
std::string_view withoutMark(std::string_view text);

// Size, UTF-8 (RFC 3629: shortest form, no surrogates) and control bytes other than tab, LF and CR.
bool checkText(const std::string& source, std::string_view text, const TextLimits& limits,
               Report& report);

// What the YAML parser would report obscurely (tabs in the indentation), not at all (a quote that
// is never closed swallows the rest of the text), or at 200 bytes of memory a byte of text
// ("[[[[…").
bool checkYamlLayout(const std::string& source, std::string_view text, const TextLimits& limits,
                     Report& report);

}  // namespace weir::config
