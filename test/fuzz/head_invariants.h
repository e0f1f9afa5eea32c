// What holds for the fields of every message that was accepted.
#pragma once

#include <string_view>

#include "test/fuzz/pieces.h"
#include "weir/fields.h"

namespace weir::fuzz {

inline bool isOneLine(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos;
}

inline void requireSaneFields(const Fields& fields) {
  for (const Field& field : fields) {
    require(isToken(field.name()), "a name is a token");
    require(isFieldValue(field.value()), "a value is a field value");
    require(field.id == headerIdOf(field.name()), "names are lower case and have their id");
    for (char c : field.name()) require(c < 'A' || c > 'Z', "names are lower case");
    if ((field.flags & Field::kVerbatim) == 0) continue;
    const char* const end = field.value_data + field.value_size;
    require(field.value_data == field.name_data + field.name_size + 2, "verbatim: one space");
    require(field.value_data[-2] == ':' && field.value_data[-1] == ' ', "verbatim: colon, space");
    require(end[0] == '\r' && end[1] == '\n', "verbatim: CRLF");
  }
}

// Connection is written from the caller's choice, not from the fields, and so is whether Upgrade
// is; content-length may be added.
inline void requireSameFields(const Fields& first, const Fields& second, bool upgrade = true) {
  const auto counts = [upgrade](const Field& field) {
    if (field.id == HeaderId::Upgrade) return upgrade;
    return field.id != HeaderId::Connection && field.id != HeaderId::ContentLength;
  };
  const Field* other = second.begin();
  for (const Field& field : first) {
    if (!counts(field)) continue;
    while (other != second.end() && !counts(*other)) ++other;
    require(other != second.end(), "no field is lost");
    require(field.name() == other->name() && field.value() == other->value(),
            "fields are the same");
    ++other;
  }
  while (other != second.end() && !counts(*other)) ++other;
  require(other == second.end(), "no field is added");
}

}  // namespace weir::fuzz
