// The Runtime is what the layers of layered_runtime say now: values by key, later layers over
// earlier ones. Layers are added once, by whoever reads the bootstrap, and then change one by one;
// each change writes the cells of all keys that somebody asked for (weir/runtime.h). Main thread;
// only the cells are read by others.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/runtime/values.h"
#include "weir/result.h"
#include "weir/runtime.h"
#include "weir/stats.h"

namespace weir::runtime {

class Runtime {
 public:
  struct Layer {
    std::string name;
    Values values;
    bool is_admin = false;  // what POST /runtime_modify changes
    bool is_disk = false;
    bool exists = true;  // false: a disk layer's directory is not there
  };

  explicit Runtime(const StatScope& root);

  // Above those that were added before. Its values count from the next publish() on.
  size_t add(Layer layer);
  // Layers in their order; the last one that has a key says its value.
  const std::vector<Layer>& layers() const { return layers_; }
  // Nothing: there is no such directory any more.
  void set(size_t layer, std::optional<Values> values);
  // A layer could not be read; it stays as it is.
  void countFailure() const { load_error_.add(); }
  // Values of the admin layer; empty ones are removed. The error says why nothing was changed.
  std::optional<Error> modify(const std::map<std::string, std::string>& values);
  void publish();

  RuntimeKey key(std::string_view name);

 private:
  const Value* find(std::string_view name) const;
  static void write(RuntimeCell& cell, const Value* value);

  std::vector<Layer> layers_;
  std::map<std::string_view, const Value*> merged_;  // into layers_
  std::map<std::string, std::weak_ptr<RuntimeCell>, std::less<>> cells_;
  Counter load_success_, load_error_, dir_exists_, dir_not_exists_;
  Gauge num_keys_, num_layers_, admin_overrides_active_;
};

}  // namespace weir::runtime
