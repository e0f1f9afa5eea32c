// Protobuf as the JSON that Envoy's admin interface writes: field names as in the .proto, one blank
// of indentation a level, 64-bit numbers as strings. Any thread.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "source/admin/request.h"

namespace weir::admin {

enum class Defaults : uint8_t { Omit, Print };

// Never fails for messages whose Any fields hold types that are linked in (see redact.h).
std::string toJson(const google::protobuf::Message& message, Defaults defaults = Defaults::Omit);

Response jsonResponse(const google::protobuf::Message& message, Defaults defaults = Defaults::Omit);

}  // namespace weir::admin
