#include "source/server/runtime.h"

#include <charconv>

namespace weir::server {
namespace {

// {"a": {"b": 1}} is a.b = 1.
void flatten(const google::protobuf::Struct& from, const std::string& prefix,
             Runtime::Values& into) {
  for (const auto& [name, value] : from.fields()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    switch (value.kind_case()) {
      case google::protobuf::Value::kStructValue:
        flatten(value.struct_value(), key, into);
        break;
      case google::protobuf::Value::kBoolValue:
        into[key] = value.bool_value() ? "true" : "false";
        break;
      case google::protobuf::Value::kStringValue:
        into[key] = value.string_value();
        break;
      case google::protobuf::Value::kNumberValue: {
        char text[32];
        const auto done = std::to_chars(text, text + sizeof text, value.number_value());
        into[key] = std::string(text, done.ptr);
        break;
      }
      default:
        break;
    }
  }
}

}  // namespace

void Runtime::load(const envoy::config::bootstrap::v3::LayeredRuntime& layers) {
  std::lock_guard lock(mutex_);
  for (const auto& layer : layers.layers()) {
    flatten(layer.static_layer(), "", static_);
    has_admin_layer_ |= layer.has_admin_layer();
  }
}

std::optional<uint64_t> Runtime::number(std::string_view key) const {
  std::lock_guard lock(mutex_);
  const Values* values = &overrides_;
  auto found = values->find(key);
  if (found == values->end()) {
    values = &static_;
    found = values->find(key);
  }
  if (found == values->end()) return std::nullopt;
  double number = 0;
  const std::string& text = found->second;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
  if (done.ec != std::errc() || number < 0) return std::nullopt;
  return static_cast<uint64_t>(number);
}

Runtime::Values Runtime::overrides() const {
  std::lock_guard lock(mutex_);
  return overrides_;
}

std::optional<Error> Runtime::modify(const std::map<std::string, std::string>& values) {
  std::lock_guard lock(mutex_);
  if (!has_admin_layer_) {
    return Error{"", "No admin layer specified: add one to layered_runtime in the bootstrap"};
  }
  for (const auto& [key, value] : values) {
    if (value.empty()) {
      overrides_.erase(key);
    } else {
      overrides_[key] = value;
    }
  }
  return std::nullopt;
}

}  // namespace weir::server
