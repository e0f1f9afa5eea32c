// What the messages Consul and ConsulCluster say, checked. Values; read on the main thread with the
// configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/consul/answer.h"
#include "weir/consul/v1/consul.pb.h"
#include "weir/report.h"

namespace weir::consul {

// How the agent is asked.
struct AgentSettings {
  enum class Consistency : uint8_t { Default, Stale, Consistent };

  std::string cluster;
  envoy::config::core::v3::DataSource token;
  std::string datacenter, name_space, partition;  // empty: not said
  std::chrono::milliseconds wait{60'000};
  std::chrono::milliseconds poll{10'000};
  Consistency consistency = Consistency::Default;
  bool use_cache = false;
  uint32_t max_queries = 128;
};

// What is asked for a cluster.
struct ServiceSettings {
  std::string name;
  bool prepared = false;  // `name` is that of a prepared query
  std::vector<std::string> tags;
  // By priority; the first is "" where none is named: the agent's settings know.
  std::vector<std::string> datacenters;
  std::string near, filter;
  ReadOptions read;
};

// Nothing, and reported, when it is not to be used. Whether the cluster exists is not looked at.
std::optional<AgentSettings> readAgent(const v1::Consul& proto, const Where& at);
std::optional<ServiceSettings> readService(const v1::ConsulCluster& proto, const Where& at);

// Empty without a source; without the newline that ends a file. The error's text never holds it.
Result<std::string> readToken(const envoy::config::core::v3::DataSource& source);

}  // namespace weir::consul
