#include "source/consul/trouble_log.h"

#include <spdlog/spdlog.h>

#include <vector>

namespace weir::consul {
namespace {

// "'a', 'b', 'c' and 12 more"
std::string listOf(const std::vector<std::string_view>& names) {
  constexpr size_t kNamed = 5;
  std::string list;
  for (size_t i = 0; i < names.size() && i < kNamed; ++i) {
    if (i != 0) list += ", ";
    list.append("'").append(names[i]).append("'");
  }
  if (names.size() > kNamed) list += " and " + std::to_string(names.size() - kNamed) + " more";
  return list;
}

}  // namespace

void TroubleLog::sayInLog(bool good, const std::string& line) {
  spdlog::log(good ? spdlog::level::info : spdlog::level::warn, "{}", line);
}

void TroubleLog::began(const std::string& name, Reason reason, std::string detail) {
  State& state = troubles_[name];
  state.now = reason;
  state.detail = std::move(detail);
  if (state.said != reason) soon();
}

void TroubleLog::ended(const std::string& name) {
  const auto found = troubles_.find(name);
  if (found == troubles_.end()) return;
  found->second.now.reset();
  soon();
}

void TroubleLog::soon() {
  if (!timer_.armed()) timer_.arm(loop_.timers(), loop_.now() + kTogether);
}

void TroubleLog::onTimer() {
  struct Group {
    std::vector<std::string_view> names;
    std::string_view detail;
  };
  std::map<Reason, Group> began;
  std::vector<std::string_view> ended;
  for (auto& [name, state] : troubles_) {
    if (state.now == state.said) continue;
    if (state.now) {
      Group& group = began[*state.now];
      group.names.push_back(name);
      group.detail = state.detail;
    } else {
      ended.push_back(name);
    }
    state.said = state.now;
  }
  for (const auto& [reason, group] : began) {
    say_(false, "consul: " + listOf(group.names) + ": " + std::string(nameOf(reason)) + ": " +
                    std::string(group.detail) + "; what Consul said before stays in use");
  }
  if (!ended.empty()) say_(true, "consul: " + listOf(ended) + ": answered again");
  std::erase_if(troubles_, [](const auto& each) { return !each.second.now; });
}

}  // namespace weir::consul
