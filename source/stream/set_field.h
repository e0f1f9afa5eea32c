// setField is Fields::setView for names with an id: on the path of every request, where the name is
// mostly absent, it makes no HeaderName and compares no names.
#pragma once

#include <string_view>

#include "weir/fields.h"

namespace weir::stream {

inline void setField(Fields& fields, HeaderId id, std::string_view value) {
  if (fields.has(id)) return fields.setView(id, value);
  const std::string_view name = headerName(id);
  fields.append({name.data(), value.data(), static_cast<uint32_t>(value.size()),
                 static_cast<uint16_t>(name.size()), id, 0});
}

}  // namespace weir::stream
