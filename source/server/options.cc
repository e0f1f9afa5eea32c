#include "source/server/options.h"

#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "source/server/version.h"

namespace weir::server {
namespace {

// Known to Envoy, meaningless here: taken with their values, so that scripts go on working.
struct Accepted {
  std::vector<std::string> with_value = {"--base-id",
                                         "--base-id-path",
                                         "--restart-epoch",
                                         "--parent-shutdown-time-s",
                                         "--socket-path",
                                         "--socket-mode",
                                         "--file-flush-min-size-kb",
                                         "--disable-extensions",
                                         "--bootstrap-version",
                                         "--local-address-ip-version",
                                         "--stats-tag",
                                         "--log-format-escaped-value"};
  std::vector<std::string> flags = {
      "--use-dynamic-base-id",           "--disable-hot-restart",
      "--enable-mutex-tracing",          "--enable-core-dump",
      "--enable-fine-grain-logging",     "--cpuset-threads",
      "--skip-hot-restart-on-no-parent", "--skip-hot-restart-parent-stats",
      "--skip-deprecated-logs",          "--log-format-escaped",
      "--reject-unknown-dynamic-fields", "--ignore-unknown-dynamic-fields"};
};

void addOptions(CLI::App& app, Options& o, uint64_t& drain_s, uint64_t& flush_ms) {
  app.add_option("-c,--config-path", o.config_path,
                 "bootstrap file: .yaml .yml .json .pb .pb_text (others are read as YAML)");
  app.add_option("--config-yaml", o.config_yaml, "bootstrap YAML, merged over the file");
  app.add_option_function<std::string>(
         "--mode",
         [&o](const std::string& mode) {
           o.mode = mode == "validate"    ? Mode::Validate
                    : mode == "init_only" ? Mode::InitOnly
                                          : Mode::Serve;
         },
         "serve, validate (check the configuration and exit) or init_only")
      ->check(CLI::IsMember({"serve", "validate", "init_only"}));
  app.add_option("-l,--log-level", o.log_level, "trace debug info warning error critical off")
      ->check(
          CLI::IsMember({"trace", "debug", "info", "warning", "warn", "error", "critical", "off"}));
  app.add_option("--component-log-level", o.component_log_level,
                 "component:level, comma separated");
  app.add_option("--log-format", o.log_format, "spdlog pattern");
  app.add_option("--log-path", o.log_path, "log file; SIGUSR1 opens it again");
  app.add_option("--service-cluster", o.service_cluster, "node.cluster");
  app.add_option("--service-node", o.service_node, "node.id");
  app.add_option("--service-zone", o.service_zone, "node.locality.zone");
  app.add_option("--drain-time-s", drain_s, "longest drain after SIGTERM, in seconds");
  app.add_option_function<std::string>(
         "--drain-strategy",
         [&o](const std::string& how) { o.drain_immediately = how == "immediate"; },
         "gradual or immediate")
      ->check(CLI::IsMember({"gradual", "immediate"}));
  app.add_option("--admin-address-path", o.admin_address_path,
                 "file to write the admin address to");
  app.add_option("--file-flush-interval-msec", flush_ms,
                 "access logs are written at least so often");
  app.add_flag("--allow-unknown-static-fields,--allow-unknown-fields",
               o.allow_unknown_static_fields, "warn about unknown fields instead of refusing");
}

uint32_t cgroupCpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return UINT32_MAX;
  const double cpus = std::strtod(quota.c_str(), nullptr) / period;
  return std::max(1u, static_cast<uint32_t>(cpus));
}

}  // namespace

uint32_t availableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  uint32_t count = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = static_cast<uint32_t>(CPU_COUNT(&set));
  return std::max(1u, std::min(count, cgroupCpus()));
}

ParsedOptions parseOptions(int argc, const char* const* argv) {
  ParsedOptions parsed;
  Options& o = parsed.options;
  CLI::App app{"Weir: an edge and sidecar proxy that reads Envoy's configuration", "weir"};
  app.allow_windows_style_options(false);
  uint64_t drain_s = 600;
  uint64_t flush_ms = 1000;
  uint32_t concurrency = 0;
  addOptions(app, o, drain_s, flush_ms);
  CLI::Option* workers =
      app.add_option("--concurrency", concurrency, "worker threads (default: CPUs available)");
  const Accepted accepted;
  for (const std::string& name : accepted.with_value) {
    app.add_option_function<std::string>(
        name, [&o, name](const std::string&) { o.ignored.push_back(name); },
        "accepted, without effect");
  }
  for (const std::string& name : accepted.flags) {
    app.add_flag_function(
        name, [&o, name](int64_t) { o.ignored.push_back(name); }, "accepted, without effect");
  }
  app.set_version_flag("--version", versionLine());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, err;
    const int code = app.exit(error, out, err);
    parsed.exit_code = code == 0 ? 0 : 1;
    parsed.text = out.str() + err.str();
    return parsed;
  }
  o.concurrency = workers->count() != 0 ? std::max(1u, concurrency) : availableCpus();
  o.drain_time = std::chrono::seconds(drain_s);
  o.file_flush_interval = std::chrono::milliseconds(flush_ms);
  if (!o.component_log_level.empty()) o.ignored.push_back("--component-log-level");
  if (o.drain_immediately) o.ignored.push_back("--drain-strategy immediate");
  if (o.config_path.empty() && o.config_yaml.empty()) {
    parsed.exit_code = 1;
    parsed.text =
        "weir: give a configuration with -c FILE or --config-yaml TEXT; --help lists all options\n";
  }
  return parsed;
}

}  // namespace weir::server
