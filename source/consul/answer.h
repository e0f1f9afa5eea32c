// Reads what Consul says of a service's instances: the JSON of /v1/health/service/NAME and of
// /v1/query/NAME/execute. Pure; any bytes are safe: nothing recurses, memory is in proportion to
// the text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/consul/instance.h"
#include "weir/result.h"

namespace weir::consul {

struct ReadOptions {
  enum class From : uint8_t { Service, Node, Tagged };

  From address = From::Service;
  std::string tag;  // Tagged
  bool passing_only = true;
};

// Why an instance is no endpoint.
enum class LeftOut : uint8_t { NoAddress, NoIpAddress, NoPort, Duplicate };
constexpr std::array<std::string_view, 4> kLeftOut{
    "it has no such address", "its address is no IP address one can connect to", "it has no port",
    "another one has its address and port"};

struct Answer {
  struct Dropped {
    LeftOut why;
    std::string id, address;
  };

  std::vector<Instance> instances;  // in Consul's order
  std::vector<Dropped> dropped;
};

constexpr size_t kMostInstances = 20'000;

// The error's field is a path into the JSON: "[3].Service.Port". Of instances with one address and
// port the one that is best off stays, of equals the one with the lesser id.
Result<Answer> readAnswer(std::string_view json, const ReadOptions& options);

// Of all that an instance says, whatever their order.
uint64_t hashOf(const std::vector<Instance>& instances);

}  // namespace weir::consul
