#include "source/runtime/runtime.h"

#include <algorithm>

namespace weir::runtime {

Runtime::Runtime(const StatScope& root) {
  const StatScope scope = root.scope("runtime");
  load_success_ = scope.counter("load_success");
  load_error_ = scope.counter("load_error");
  dir_exists_ = scope.counter("override_dir_exists");
  dir_not_exists_ = scope.counter("override_dir_not_exists");
  num_keys_ = scope.gauge("num_keys");
  num_layers_ = scope.gauge("num_layers");
  admin_overrides_active_ = scope.gauge("admin_overrides_active");
}

size_t Runtime::add(Layer layer) {
  merged_.clear();  // it points into what may move now
  layers_.push_back(std::move(layer));
  return layers_.size() - 1;
}

void Runtime::set(size_t layer, std::optional<Values> values) {
  layers_[layer].exists = values.has_value();
  layers_[layer].values = std::move(values).value_or(Values());
  publish();
}

std::optional<Error> Runtime::modify(const std::map<std::string, std::string>& values) {
  const auto admin = std::find_if(layers_.begin(), layers_.end(),
                                  [](const Layer& layer) { return layer.is_admin; });
  if (admin == layers_.end()) {
    return Error{"", "No admin layer specified: add one to layered_runtime in the bootstrap"};
  }
  for (const auto& [key, value] : values) {
    if (value.empty()) {
      admin->values.erase(key);
    } else {
      admin->values[key] = valueOf(value);
    }
  }
  publish();
  return std::nullopt;
}

// Envoy counts a directory as overriding when it is not the only one.
void Runtime::publish() {
  merged_.clear();
  size_t present = 0, directories = 0;
  bool modified = false;
  for (const Layer& layer : layers_) {
    for (const auto& [key, value] : layer.values) merged_[key] = &value;
    present += layer.exists ? 1 : 0;
    directories += layer.is_disk && layer.exists ? 1 : 0;
    modified |= layer.is_admin && !layer.values.empty();
  }
  for (auto at = cells_.begin(); at != cells_.end();) {
    const auto cell = at->second.lock();
    if (cell != nullptr) write(*cell, find(at->first));
    at = cell == nullptr ? cells_.erase(at) : std::next(at);
  }
  load_success_.add();
  (directories > 1 ? dir_exists_ : dir_not_exists_).add();
  num_keys_.set(merged_.size());
  num_layers_.set(present);
  admin_overrides_active_.set(modified ? 1 : 0);
}

const Value* Runtime::find(std::string_view name) const {
  const auto found = merged_.find(name);
  return found == merged_.end() ? nullptr : found->second;
}

void Runtime::write(RuntimeCell& cell, const Value* value) {
  static const Value kNone;
  if (value == nullptr) value = &kNone;
  cell.set(value->number, value->flag, value->fraction);
}

RuntimeKey Runtime::key(std::string_view name) {
  auto found = cells_.find(name);
  if (found == cells_.end()) found = cells_.emplace(name, std::weak_ptr<RuntimeCell>()).first;
  auto cell = found->second.lock();
  if (cell == nullptr) {
    cell = std::make_shared<RuntimeCell>();
    write(*cell, find(name));
    found->second = cell;
  }
  return RuntimeKey(std::move(cell));
}

}  // namespace weir::runtime
