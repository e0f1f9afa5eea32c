// Kv follows the keys below a prefix of Consul's key/value store, and tells which resources they
// hold: PREFIX/listeners/NAME, clusters/NAME, routes/NAME and runtime/NAME. A value that cannot be
// read is told by name; a key that is as it was is not read again. Main thread; the agent outlives
// it.
//
//   constructor, start(), destructor
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "source/consul/key_values.h"
#include "source/consul/watch.h"

namespace weir::consul {

// What the message Kv says. Nothing, and reported, when it is not to be used.
std::optional<std::string> readPrefix(const v1::Kv& proto, const Where& at);

class Kv final : private WatchUser {
 public:
  // None of these may destroy it.
  struct User {
    // All that there is of a type; each type once an answer, changed or not.
    std::function<void(xds::ResourceType, std::vector<xds::ResourcePtr>,
                       std::vector<xds::Refusal> unreadable)>
        say;
    // Consul fails, and has said nothing yet.
    std::function<void()> miss;
  };

  Kv(Agent& agent, std::string prefix, User user);

  void start() { watch_.start(); }

  const Watch& watch() const { return watch_; }

 private:
  // What a key's value was read as.
  struct Known {
    xds::ResourceType type = xds::ResourceType::Cluster;
    uint64_t index = 0;
    size_t hash = 0;            // of the value
    xds::ResourcePtr resource;  // null: refused
    xds::Refusal refusal;
  };

  std::optional<std::string> onBody(const std::string& body) override;
  void onTrouble() override;
  Known know(const KeyValue& from, const KeyPlace& place) const;
  void tellStrange(std::set<std::string> strange);
  void say() const;

  Agent& agent_;
  const std::string prefix_;
  const User user_;
  std::map<std::string, Known> known_;  // by key
  std::set<std::string> strange_;       // keys that hold no resource, as the log has them
  Watch watch_;
};

}  // namespace weir::consul
