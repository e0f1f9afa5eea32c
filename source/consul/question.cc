#include "source/consul/question.h"

namespace weir::consul {
namespace {

// RFC 3986 §2.3, and the slash where it divides a path.
bool isUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void appendEscaped(std::string& to, std::string_view text, bool slashes = false) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (isUnreserved(c) || (slashes && c == '/')) {
      to.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      to.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

class Target {
 public:
  Target(std::string_view before, std::string_view name, std::string_view after = {},
         bool slashes = false)
      : text_(before) {
    appendEscaped(text_, name, slashes);
    text_ += after;
  }
  void add(std::string_view name) {
    text_ += divider_;
    text_ += name;
    divider_ = '&';
  }
  void add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    add(name);
    text_ += '=';
    appendEscaped(text_, value);
  }
  // What all questions share.
  std::string of(const AgentSettings& agent, std::string_view datacenter = {}) && {
    using Consistency = AgentSettings::Consistency;
    add("dc", datacenter.empty() ? agent.datacenter : datacenter);
    addTenancy(agent);
    if (agent.consistency == Consistency::Stale) add("stale");
    if (agent.consistency == Consistency::Consistent) add("consistent");
    if (divider_ == '?') text_ += divider_;
    return std::move(text_);
  }
  // … which only the agent itself answers.
  std::string ofAgentItself(const AgentSettings& agent) && {
    addTenancy(agent);
    return std::move(text_);
  }

 private:
  void addTenancy(const AgentSettings& agent) {
    add("ns", agent.name_space);
    add("partition", agent.partition);
  }

  std::string text_;
  char divider_ = '?';
};

}  // namespace

Question instancesOf(const ServiceSettings& service, std::string_view datacenter,
                     const AgentSettings& agent) {
  Target target = service.prepared ? Target("/v1/query/", service.name, "/execute")
                                   : Target("/v1/health/service/", service.name);
  // The answer to this changes, too, when an instance begins to fail, and holds no more than is
  // used.
  if (service.read.passing_only && !service.prepared) target.add("passing");
  for (const std::string& tag : service.tags) target.add("tag", tag);
  target.add("filter", service.filter);
  target.add("near", service.near);
  return {.target = std::move(target).of(agent, datacenter),
          .blocks = !service.prepared,
          .cached = agent.use_cache};
}

Question allServices(const AgentSettings& agent, bool partial) {
  return {.target = Target("/v1/catalog/services", "").of(agent),
          .cached = agent.use_cache,
          .standing = true,
          .partial = partial};
}

Question checksIn(std::string_view status, const AgentSettings& agent) {
  return {
      .target = Target("/v1/health/state/", status).of(agent), .standing = true, .partial = true};
}

Question keysBelow(std::string_view prefix, const AgentSettings& agent) {
  Target target("/v1/kv/", prefix, "", true);
  target.add("recurse");
  return {.target = std::move(target).of(agent), .absent_is_empty = true, .standing = true};
}

std::string ownService(std::string_view verb, std::string_view id, const AgentSettings& agent) {
  return Target("/v1/agent/service/" + std::string(verb), id).ofAgentItself(agent);
}

}  // namespace weir::consul
