// weir: reads the command line and runs the server.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "source/server/housekeeping.h"
#include "source/server/options.h"
#include "source/server/server.h"

namespace {

void setUpLogging(const weir::server::Options& options) {
  const auto main_log = options.log_path.empty()
                            ? spdlog::stderr_color_mt("main")
                            : spdlog::basic_logger_mt("main", options.log_path);
  main_log->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(main_log);
  // Names and resolution of clusters; its own level, the same place to write to.
  spdlog::register_logger(main_log->clone("upstream"));
  spdlog::set_pattern(options.log_format);
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  for (const auto& [name, level] : options.component_levels) {
    spdlog::get(name)->set_level(spdlog::level::from_str(level));
  }
}

}  // namespace

int main(int argc, char** argv) {
  weir::server::Housekeeping::boundHeaps();
  const weir::server::ParsedOptions parsed = weir::server::parseOptions(argc, argv);
  if (parsed.exit_code >= 0) {
    std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  try {
    setUpLogging(parsed.options);
  } catch (const spdlog::spdlog_ex& error) {
    std::fprintf(stderr, "weir: --log-path: %s\n", error.what());
    return 1;
  }
  if (parsed.options.mode == weir::server::Mode::Validate) return validate(parsed.options);
  return weir::server::Server(parsed.options).run();
}
