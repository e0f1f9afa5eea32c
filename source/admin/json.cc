#include "source/admin/json.h"

#include <google/protobuf/util/json_util.h>

#include "source/telemetry/json_text.h"

namespace weir::admin {

std::string toJson(const google::protobuf::Message& message, Defaults defaults) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = defaults == Defaults::Print;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (status.ok()) return text;
  text = "{\"error\": ";
  telemetry::appendJsonString(text, status.ToString());
  return text + "}\n";
}

Response jsonResponse(const google::protobuf::Message& message, Defaults defaults) {
  return {.content_type = kJson, .body = toJson(message, defaults)};
}

}  // namespace weir::admin
