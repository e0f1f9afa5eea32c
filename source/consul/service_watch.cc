#include "source/consul/service_watch.h"

#include <algorithm>

namespace weir::consul {
namespace {

// All that makes two watches different.
std::string keyOf(const ServiceSettings& service, const std::string& datacenter,
                  const AgentSettings& agent) {
  const ReadOptions& read = service.read;
  return instancesOf(service, datacenter, agent).target + '\n' +
         std::to_string(static_cast<int>(read.address)) + '\n' + read.tag + '\n' +
         (read.passing_only ? "passing" : "all");
}

// "web", "web@dc2"; of one that is narrowed, or read otherwise, with a mark: "web~3f2a".
std::string labelOf(const ServiceSettings& service, const std::string& datacenter,
                    const AgentSettings& agent) {
  ServiceSettings plain;
  plain.name = service.name;
  plain.prepared = service.prepared;
  std::string label = service.name;
  const std::string key = keyOf(service, datacenter, agent);
  if (key != keyOf(plain, datacenter, agent)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    uint32_t sum = 2'166'136'261;  // FNV-1a: the same in each process
    for (const char c : key) sum = (sum ^ static_cast<unsigned char>(c)) * 16'777'619;
    label += '~';
    for (int shift = 12; shift >= 0; shift -= 4) label += kDigits[(sum >> shift) & 15];
  }
  return datacenter.empty() ? label : label + "@" + datacenter;
}

}  // namespace

ServiceWatch::ServiceWatch(Agent& agent, const ServiceSettings& service,
                           const std::string& datacenter)
    : options_(service.read),
      service_(datacenter.empty() && !service.prepared ? service.name : ""),
      agent_(agent),
      watch_(agent, labelOf(service, datacenter, agent.settings()),
             instancesOf(service, datacenter, agent.settings()), *this),
      empty_(scopeOf(agent).counter("update_empty")),
      no_rebuild_(scopeOf(agent).counter("update_no_rebuild")),
      left_out_(scopeOf(agent).gauge("instances_left_out")) {}

StatScope ServiceWatch::scopeOf(const Agent& agent) const {
  return agent.scope().tagged(watch_.label(), "weir_consul_service");
}

// A user may let go of others, and of itself.
template <typename Tell>
void ServiceWatch::tellUsers(Tell tell) {
  for (ServiceUser* user : std::vector<ServiceUser*>(users_.begin(), users_.end())) {
    if (users_.contains(user)) tell(*user);
  }
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
  if (current_ != nullptr && hash == hash_) {
    no_rebuild_.add();
    return std::nullopt;
  }
  hash_ = hash;
  current_ = std::make_shared<const std::vector<Instance>>(std::move(answer->instances));
  watch_.keep(body);
  tellUsers([this](ServiceUser& user) { user.onInstances(current_); });
  return std::nullopt;
}

void ServiceWatch::onTrouble() {
  tellUsers([this](ServiceUser& user) {
    user.onTrouble(watch_.trouble() ? &*watch_.trouble() : nullptr);
  });
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

ServiceWatchPtr ServiceWatches::follow(const ServiceSettings& service,
                                       const std::string& datacenter) {
  const std::string key = keyOf(service, datacenter, agent_.settings());
  auto& known = watches_[key];
  if (ServiceWatchPtr watch = known.lock()) return watch;
  const ServiceWatchPtr watch(new ServiceWatch(agent_, service, datacenter),
                              [this, key](ServiceWatch* last) {
                                watches_.erase(key);
                                delete last;
                              });
  known = watch;
  watch->start();
  return watch;
}

}  // namespace weir::consul
