// What the tests of watches say of instances, and a user that writes down what it is told of them.
#pragma once

#include <charconv>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/consul/service_watch.h"

namespace weir::consul {

inline std::string instanceJson(const std::string& id, uint16_t port,
                                const std::string& status = "passing",
                                const std::string& output = "") {
  return R"({"Node":{"Node":"n1","Address":"10.0.0.1","Datacenter":"dc1"},"Service":{"ID":")" + id +
         R"(","Tags":["a"],"Meta":null,"Address":"","Port":)" + std::to_string(port) +
         R"(},"Checks":[{"CheckID":"c","Status":")" + status + R"(","Output":")" + output +
         R"("}]})";
}

// Of a question's path: its last part, and a number of its query; 0: it has none.
inline std::string nameIn(const std::string& path) {
  const size_t end = path.find('?');
  const size_t from = path.rfind('/', end) + 1;
  return path.substr(from, end - from);
}
inline uint64_t numberIn(const std::string& path, std::string_view key) {
  const size_t found = path.find(key);
  uint64_t number = 0;
  if (found == std::string::npos) return number;
  std::from_chars(path.data() + found + key.size(), path.data() + path.size(), number);
  return number;
}

// Writes down what it is told: "web-1@10.0.0.1:80 web-2@…", "!no_answer", "well".
struct Listener final : ServiceUser {
  void onInstances(const InstancesPtr& instances) override {
    std::string all;
    for (const Instance& each : *instances) {
      all += (all.empty() ? "" : " ") + each.id + "@" + each.address.text();
    }
    told.push_back(all);
    if (on_instances) on_instances();
  }
  void onTrouble(const Trouble* trouble) override {
    told.push_back(trouble == nullptr ? "well" : "!" + std::string(nameOf(trouble->reason)));
  }
  std::vector<std::string> take() { return std::exchange(told, {}); }

  std::vector<std::string> told;
  std::function<void()> on_instances;
};

}  // namespace weir::consul
