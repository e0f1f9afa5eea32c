// /runtime and /runtime_modify: the layers of layered_runtime and what their keys come to.
#include "source/admin/handlers.h"
#include "source/telemetry/json_text.h"

namespace weir::admin {
namespace {

constexpr std::string_view kUsage =
    "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n"
    "       or send the parameters as form values\n"
    "use an empty value to remove a previously added override\n";

// Values by key, one column a layer; missing ones are empty.
using Table = std::map<std::string, std::vector<std::string>>;

Table tableOf(const std::vector<RuntimeLayerView>& layers) {
  Table table;
  for (size_t column = 0; column < layers.size(); ++column) {
    for (const auto& [key, value] : layers[column].values) {
      std::vector<std::string>& row = table[key];
      row.resize(layers.size());
      row[column] = value;
    }
  }
  return table;
}

}  // namespace

// By hand, so that keys come in order: protobuf's maps have none.
Response runtime(const Request&, AdminSource& source) {
  std::string body = "{\n \"layers\": [";
  std::string_view separator = "\n  ";
  const std::vector<RuntimeLayerView> layers = source.runtime();
  for (const RuntimeLayerView& layer : layers) {
    telemetry::appendJsonString(body.append(separator), layer.name);
    separator = ",\n  ";
  }
  body += "\n ],\n \"entries\": {";
  separator = "\n  ";
  for (const auto& [key, row] : tableOf(layers)) {
    telemetry::appendJsonString(body.append(separator), key);
    body += ": {\n   \"layer_values\": [";
    std::string_view final_value;
    for (size_t i = 0; i < row.size(); ++i) {
      telemetry::appendJsonString(body.append(i == 0 ? "\n    " : ",\n    "), row[i]);
      if (!row[i].empty()) final_value = row[i];
    }
    body += "\n   ],\n   \"final_value\": ";
    telemetry::appendJsonString(body, final_value);
    body += "\n  }";
    separator = ",\n  ";
  }
  return {.content_type = kJson, .body = body + "\n }\n}\n"};
}

Response modifyRuntime(const Request& request, AdminSource& source) {
  if (request.parameters.empty()) return refused(400, std::string(kUsage));
  const RuntimeValues values(request.parameters.begin(), request.parameters.end());
  if (const auto error = source.modifyRuntime(values)) return refused(503, error->text + "\n");
  return ok();
}

}  // namespace weir::admin
