// Options are the command line, as Envoy's users know it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::server {

// The names of the process's loggers, as Envoy's components.
inline constexpr std::string_view kLogComponents = "main upstream";

enum class Mode : uint8_t { Serve, Validate, InitOnly };

struct Options {
  std::string config_path;
  std::string config_yaml;
  Mode mode = Mode::Serve;
  std::string log_level = "info";
  std::string component_log_level;                                    // as given
  std::vector<std::pair<std::string, std::string>> component_levels;  // logger and level
  std::string log_format = "[%Y-%m-%d %T.%e][%t][%l][%n] %v";
  std::string log_path;
  uint32_t concurrency = 0;  // 0 as given means 1; unset means the CPUs available
  std::string service_cluster, service_node, service_zone;
  std::chrono::seconds drain_time{600};
  bool drain_immediately = false;
  std::string admin_address_path;
  std::string state_dir;  // empty: what control planes say is not kept
  bool allow_unknown_static_fields = false;
  std::chrono::milliseconds file_flush_interval{1000};
  std::vector<std::string> ignored;  // accepted for compatibility, without effect
};

struct ParsedOptions {
  Options options;
  int exit_code = -1;  // >= 0: print `text` and end with it
  std::string text;
};

ParsedOptions parseOptions(int argc, const char* const* argv);

// The CPUs this process may use: its affinity and its cgroup's quota, at least 1.
uint32_t availableCpus();

}  // namespace weir::server
