// /runtime and /runtime_modify: the layers of layered_runtime and what their keys come to.
#include <google/protobuf/struct.pb.h>

#include <cmath>

#include "source/admin/handlers.h"
#include "source/admin/json.h"
#include "source/telemetry/json_text.h"

namespace weir::admin {
namespace {

using envoy::config::bootstrap::v3::RuntimeLayer;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr std::string_view kUsage =
    "usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN\n"
    "       or send the parameters as form values\n"
    "use an empty value to remove a previously added override\n";

// Values by key, one column a layer; missing ones are empty.
using Table = std::map<std::string, std::vector<std::string>>;

std::string textOf(const Value& value) {
  if (value.kind_case() == Value::kStringValue) return value.string_value();
  if (value.kind_case() == Value::kBoolValue) return value.bool_value() ? "true" : "false";
  const double number = value.number_value();
  if (value.kind_case() == Value::kNumberValue && std::floor(number) == number &&
      std::abs(number) < 1e15) {
    return std::to_string(static_cast<int64_t>(number));
  }
  std::string json = toJson(value);
  while (!json.empty() && json.back() == '\n') json.pop_back();
  return json;
}

// A fraction is a value, as every other struct is a level of names.
bool isFraction(const Struct& fields) {
  return fields.fields().contains("numerator") || fields.fields().contains("denominator");
}

void addLayer(const Struct& fields, const std::string& prefix, size_t column, size_t columns,
              Table& to) {
  for (const auto& [name, value] : fields.fields()) {
    const std::string key = prefix + name;
    if (value.has_struct_value() && !isFraction(value.struct_value())) {
      addLayer(value.struct_value(), key + ".", column, columns, to);
      continue;
    }
    std::vector<std::string>& row = to[key];
    row.resize(columns);
    row[column] = textOf(value);
  }
}

Table readLayers(const AdminSource& source) {
  const BootstrapPtr bootstrap = source.bootstrap();
  const auto& layers = bootstrap->layered_runtime().layers();
  const auto columns = static_cast<size_t>(layers.size());
  Table table;
  for (size_t column = 0; column < columns; ++column) {
    const RuntimeLayer& layer = layers[static_cast<int>(column)];
    if (layer.has_static_layer()) addLayer(layer.static_layer(), "", column, columns, table);
    if (!layer.has_admin_layer()) continue;
    for (const auto& [key, value] : source.runtimeOverrides()) {
      std::vector<std::string>& row = table[key];
      row.resize(columns);
      row[column] = value;
    }
  }
  return table;
}

bool hasAdminLayer(const AdminSource& source) {
  const BootstrapPtr bootstrap = source.bootstrap();
  for (const RuntimeLayer& layer : bootstrap->layered_runtime().layers()) {
    if (layer.has_admin_layer()) return true;
  }
  return false;
}

}  // namespace

// By hand, so that keys come in order: protobuf's maps have none.
Response runtime(const Request&, AdminSource& source) {
  std::string body = "{\n \"layers\": [";
  std::string_view separator = "\n  ";
  const BootstrapPtr bootstrap = source.bootstrap();
  for (const RuntimeLayer& layer : bootstrap->layered_runtime().layers()) {
    telemetry::appendJsonString(body.append(separator), layer.name());
    separator = ",\n  ";
  }
  body += "\n ],\n \"entries\": {";
  separator = "\n  ";
  for (const auto& [key, row] : readLayers(source)) {
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
  if (!hasAdminLayer(source)) return refused(503, "No admin layer specified\n");
  const RuntimeValues values(request.parameters.begin(), request.parameters.end());
  if (const auto error = source.modifyRuntime(values)) return refused(503, error->text + "\n");
  return ok();
}

}  // namespace weir::admin
