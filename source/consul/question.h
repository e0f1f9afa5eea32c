// A Question is what is asked of Consul again and again: a path of its HTTP API and what narrows
// the answer, all but the index. Pure values.
#pragma once

#include <string>
#include <string_view>

#include "source/consul/settings.h"

namespace weir::consul {

struct Question {
  std::string target;            // path and query, escaped; the query is never empty
  bool blocks = true;            // Consul can wait for news of it; false: it is polled
  bool cached = false;           // while it waits, from the agent's cache
  bool absent_is_empty = false;  // 404 is an answer, as of keys: "[]"
  bool standing = false;         // one of a few that always have a place
  bool partial = false;          // what the token may not see does not matter
};

// The instances of a service, or of a prepared query. `datacenter` empty: the agent's settings say.
Question instancesOf(const ServiceSettings& service, std::string_view datacenter,
                     const AgentSettings& agent);
// All services, each with its tags. `partial`: what the token may not see does not matter.
Question allServices(const AgentSettings& agent, bool partial = false);
// All checks, of whatever service, that are "critical" or "warning".
Question checksIn(std::string_view status, const AgentSettings& agent);
// All keys that begin with `prefix`, with their values.
Question keysBelow(std::string_view prefix, const AgentSettings& agent);

// The path of what the agent is told, or asked, about a service of its own. `verb`: "register"
// (which needs no id), "deregister/", or empty.
std::string ownService(std::string_view verb, std::string_view id, const AgentSettings& agent);

}  // namespace weir::consul
