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
                 "component:level, comma separated; components: main upstream");
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
  app.add_option("--state-dir", o.state_dir,
                 "directory to keep what control planes say in, for a start without them");
  app.add_option("--file-flush-interval-msec", flush_ms,
                 "access logs are written at least so often");
  app.add_flag("--allow-unknown-static-fields,--allow-unknown-fields",
               o.allow_unknown_static_fields, "warn about unknown fields instead of refusing");
}

constexpr std::string_view kLogLevels = "trace debug info warning warn error critical off";
// Components of Envoy's that log nothing here: naming one is no mistake, and has no effect.
constexpr std::string_view kSilentComponents =
    "admin alternate_protocols_cache aws assert backtrace basic_auth cache_filter client "
    "compression config connection conn_handler credential_injector decompression dns dubbo "
    "dynamic_modules envoy_bug execution_context ext_authz ext_proc rocketmq file filter "
    "forward_proxy geolocation golang grpc happy_eyeballs hc health_checker hibernation "
    "hot_restart http http2 hystrix init io jwt kafka key_value_store lua matcher misc mongo "
    "multi_connection oauth2 pool quic quic_stream rate_limit_quota rbac redis "
    "reverse_connection router runtime secret stats stats_sh testing thrift tracing "
    "udp wasm websocket";

bool isListed(std::string_view list, std::string_view word) {
  const std::string padded = " " + std::string(list) + " ";
  return !word.empty() && padded.find(" " + std::string(word) + " ") != padded.npos;
}

// "main:debug,upstream:trace"; the result says what is wrong with it, if anything.
std::string readComponentLevels(std::string_view list, Options& o) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const size_t colon = std::min(item.find(':'), item.size());
    const std::string name(item.substr(0, colon));
    const std::string level(item.substr(std::min(colon + 1, item.size())));
    if (!isListed(kLogLevels, level)) {
      return "'" + std::string(item) + "' is not component:level, with a level of " +
             std::string(kLogLevels);
    }
    if (isListed(kLogComponents, name)) {
      o.component_levels.emplace_back(name, level);
    } else if (isListed(kSilentComponents, name)) {
      o.ignored.push_back("--component-log-level " + name);
    } else {
      return "unknown component '" + name + "', expected " + std::string(kLogComponents);
    }
  }
  return "";
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
  std::string problem = readComponentLevels(o.component_log_level, o);
  if (!problem.empty()) {
    parsed.exit_code = 1;
    parsed.text = "weir: --component-log-level: " + problem + "\n";
    return parsed;
  }
  if (o.config_path.empty() && o.config_yaml.empty()) {
    parsed.exit_code = 1;
    parsed.text =
        "weir: give a configuration with -c FILE or --config-yaml TEXT; --help lists all options\n";
  }
  return parsed;
}

}  // namespace weir::server
