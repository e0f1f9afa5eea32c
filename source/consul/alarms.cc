#include "source/consul/alarms.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "source/consul/json_members.h"

namespace weir::consul {

Alarms::Alarms(Agent& agent)
    : agent_(agent), critical_(*this, "critical"), warning_(*this, "warning"), registered_(agent) {}

void Alarms::onKnown() {
  if (critical_.known() && warning_.known()) agent_.askAllAtOnce();
}

Alarms::Registered::Registered(Agent& agent)
    : agent_(agent),
      timer_(*this),
      watch_(agent, "registrations", allServices(agent.settings(), true), *this) {
  watch_.start();
}

void Alarms::Registered::onMoved() {
  // What was registered before is in the lists already, or will be with the first answer.
  if (!std::exchange(known_, true) || timer_.armed()) return;
  timer_.arm(agent_.loop().timers(), std::max(agent_.loop().now(), next_));
}

void Alarms::Registered::onTimer() {
  next_ = agent_.loop().now() + std::chrono::seconds(1 + agent_.services() / kSwept);
  agent_.askAllAtOnce();
}

Alarms::Failing::Failing(Alarms& alarms, const std::string& status)
    : alarms_(alarms),
      watch_(alarms.agent_, "checks that are " + status, checksIn(status, alarms.agent_.settings()),
             *this) {
  watch_.start();
}

std::optional<std::string> Alarms::Failing::onBody(const std::string& body) {
  rapidjson::Document document;
  if (auto wrong = json::parse(body, document)) return wrong;
  Report report;
  std::map<std::string, CheckPlace> checks;
  if (document.IsArray()) {
    size_t index = 0;
    for (const json::Value& value : document.GetArray()) {
      const Where at = Where(report).index(index++);
      if (!value.IsObject()) {
        at.error("expected an object, found " + std::string(json::kindOf(value)));
        break;
      }
      const json::Members check(value, at);
      const CheckPlace place{std::string(check.text("Node")),
                             std::string(check.text("ServiceName"))};
      const std::string id(check.text("CheckID"));
      checks.emplace(place.node + '\n' + place.service + '\n' + id, place);
    }
  }
  if (!report.ok()) return report.sorted().front().line();
  std::vector<CheckPlace> changed;
  for (const auto& [key, place] : checks) {
    if (!checks_.contains(key)) changed.push_back(place);
  }
  for (const auto& [key, place] : checks_) {
    if (!checks.contains(key)) changed.push_back(place);
  }
  checks_ = std::move(checks);
  if (!std::exchange(known_, true)) {
    alarms_.onKnown();
  } else if (!changed.empty()) {
    alarms_.agent_.askAtOnce(changed);
  }
  return std::nullopt;
}

}  // namespace weir::consul
