// An Instance is one address where a service runs, as Consul knows it. A value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "source/net/address.h"

namespace weir::consul {

// The worst of the instance's checks and its node's.
enum class Status : uint8_t { Passing, Warning, Critical, Maintenance };

struct Instance {
  net::Address address;
  std::string id, node, datacenter;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> meta;  // of the service
  uint32_t weight_passing = 1, weight_warning = 1;
  Status status = Status::Passing;

  uint32_t weight() const { return status == Status::Warning ? weight_warning : weight_passing; }
  bool operator==(const Instance& other) const = default;
};

}  // namespace weir::consul
