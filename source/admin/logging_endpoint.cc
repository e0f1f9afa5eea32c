// POST /logging: the levels of the process's own log, by logger.
#include <spdlog/spdlog.h>

#include <map>
#include <optional>

#include "source/admin/handlers.h"

namespace weir::admin {
namespace {

using Loggers = std::map<std::string, std::shared_ptr<spdlog::logger>, std::less<>>;

constexpr std::string_view kUsage =
    "\nusage: /logging?<name>=<level> (change single level)\n"
    "usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n"
    "usage: /logging?level=<level> (change all levels)\n"
    "levels: trace debug info warning error critical off\n";

// spdlog's own default logger has no name; it is shown, and addressed, as "main".
Loggers allLoggers() {
  Loggers loggers;
  spdlog::apply_all([&](const std::shared_ptr<spdlog::logger>& logger) {
    loggers.emplace(logger->name().empty() ? "main" : logger->name(), logger);
  });
  return loggers;
}

std::optional<spdlog::level::level_enum> levelOf(std::string_view name) {
  const auto level = spdlog::level::from_str(std::string(name));  // off for what it does not know
  if (level == spdlog::level::off && name != "off") return std::nullopt;
  return level;
}

using Change = std::pair<std::shared_ptr<spdlog::logger>, spdlog::level::level_enum>;

// Empty, or why the change cannot be made.
std::string addChange(const Loggers& loggers, std::string_view name, std::string_view level,
                      std::vector<Change>& to) {
  if (name.empty() || level.empty()) return "empty logger name or empty logger level";
  const auto known = levelOf(level);
  if (!known) return "unknown logger level";
  const auto found = loggers.find(name);
  if (found == loggers.end()) return "unknown logger name";
  to.emplace_back(found->second, *known);
  return "";
}

std::string addPaths(const Loggers& loggers, std::string_view paths, std::vector<Change>& to) {
  while (!paths.empty()) {
    const std::string_view item = paths.substr(0, paths.find(','));
    paths.remove_prefix(item.size() < paths.size() ? item.size() + 1 : item.size());
    const size_t colon = item.rfind(':');
    const std::string_view level = colon == item.npos ? "" : item.substr(colon + 1);
    std::string error = addChange(loggers, item.substr(0, colon), level, to);
    if (!error.empty()) return error;
  }
  return "";
}

std::string addAll(const Loggers& loggers, std::string_view level, std::vector<Change>& to) {
  for (const auto& [name, logger] : loggers) {
    std::string error = addChange(loggers, name, level, to);
    if (!error.empty()) return error;
  }
  return "";
}

// A form sends every field it has, filled in or not.
Parameters filledIn(const Parameters& parameters) {
  Parameters filled;
  for (const auto& parameter : parameters) {
    const bool field = parameter.first == "level" || parameter.first == "paths";
    if (!field || !parameter.second.empty()) filled.push_back(parameter);
  }
  return filled;
}

}  // namespace

// Nothing is changed when anything of the request is wrong.
Response logging(const Request& request, AdminSource&) {
  const Loggers loggers = allLoggers();
  const Parameters parameters = filledIn(request.parameters);
  std::vector<Change> changes;
  std::string error;
  if (parameters.size() > 1) {
    error = "invalid number of parameters";
  } else if (parameters.size() == 1) {
    const auto& [name, value] = parameters.front();
    error = name == "level"   ? addAll(loggers, value, changes)
            : name == "paths" ? addPaths(loggers, value, changes)
                              : addChange(loggers, name, value, changes);
  }
  Response response;
  if (error.empty()) {
    for (const auto& [logger, level] : changes) logger->set_level(level);
  } else {
    response.status = 400;
    response.body.append("error: ").append(error).append("\n").append(kUsage);
  }
  response.body += "active loggers:\n";
  for (const auto& [name, logger] : loggers) {
    const auto level = spdlog::level::to_string_view(logger->level());
    response.body.append("  ").append(name).append(": ").append(level.data(), level.size());
    response.body += "\n";
  }
  return response;
}

}  // namespace weir::admin
