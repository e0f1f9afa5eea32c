// Runtime holds the values of layered_runtime: static layers, later ones over earlier ones, and the
// overrides of POST /runtime_modify where an admin layer is configured. Read on any thread; changed
// on the main thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "weir/result.h"

namespace weir::server {

class Runtime {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  void load(const envoy::config::bootstrap::v3::LayeredRuntime& layers);

  // A number, or nothing.
  std::optional<uint64_t> number(std::string_view key) const;
  Values overrides() const;
  // Empty values remove. The error says why nothing was changed.
  std::optional<Error> modify(const std::map<std::string, std::string>& values);

 private:
  mutable std::mutex mutex_;
  Values static_;
  Values overrides_;
  bool has_admin_layer_ = false;
};

}  // namespace weir::server
