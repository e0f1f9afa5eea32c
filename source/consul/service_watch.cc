#include "source/consul/service_watch.h"

#include <algorithm>

namespace weir::consul {
namespace {

std::string labelOf(const ServiceSettings& service, const std::string& datacenter) {
  return datacenter.empty() ? service.name : service.name + "@" + datacenter;
}

}  // namespace

ServiceWatch::ServiceWatch(Agent& agent, const ServiceSettings& service,
                           const std::string& datacenter, ServiceUser& user)
    : options_(service.read),
      service_(datacenter.empty() && !service.prepared ? service.name : ""),
      user_(user),
      agent_(agent),
      watch_(agent, labelOf(service, datacenter),
             instancesOf(service, datacenter, agent.settings()), *this),
      empty_(agent.scope().tagged(watch_.label(), "weir_consul_service").counter("update_empty")),
      left_out_(
          agent.scope().tagged(watch_.label(), "weir_consul_service").gauge("instances_left_out")) {
}

std::optional<std::string> ServiceWatch::onBody(const std::string& body) {
  auto answer = readAnswer(body, options_);
  if (!answer) {
    const Error& error = answer.error();
    return error.field.empty() ? error.text : error.field + ": " + error.text;
  }
  tellDropped(answer->dropped);
  if (answer->instances.empty()) empty_.add();
  // What checks print changes the body, and nothing else.
  const uint64_t hash = hashOf(answer->instances);
  if (current_ != nullptr && hash == hash_) return std::nullopt;
  hash_ = hash;
  current_ = std::make_shared<const std::vector<Instance>>(std::move(answer->instances));
  user_.onInstances(current_);
  return std::nullopt;
}

bool ServiceWatch::isOf(const std::set<std::string_view>& services,
                        const std::set<std::string_view>& nodes) const {
  if (service_.empty()) return false;
  if (services.contains(service_)) return true;
  return !nodes.empty() && current_ != nullptr &&
         std::any_of(current_->begin(), current_->end(),
                     [&](const Instance& each) { return nodes.contains(each.node); });
}

void ServiceWatch::tellDropped(const std::vector<Answer::Dropped>& dropped) {
  constexpr size_t kNamed = 5;
  left_out_.set(dropped.size());
  std::string line;
  for (size_t i = 0; i < std::min(dropped.size(), kNamed); ++i) {
    line += i == 0 ? "'" : ", '";
    line += dropped[i].id + "' (" + dropped[i].address +
            "): " + std::string(kLeftOut[static_cast<size_t>(dropped[i].why)]);
  }
  if (dropped.size() > kNamed) line += " and " + std::to_string(dropped.size() - kNamed) + " more";
  if (line == told_dropped_) return;
  told_dropped_ = line;
  agent_.say(line.empty(), "consul: '" + watch_.label() + "': " +
                               (line.empty() ? "no instance is left out any more"
                                             : "instances are left out: " + line));
}

}  // namespace weir::consul
