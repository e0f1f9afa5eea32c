// What the messages Consul, ConsulCluster, Catalog and Registration say, checked. Values; read on
// the main thread with the configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

// Which services become clusters, and how.
struct CatalogSettings {
  std::string enable_tag;    // empty: all services
  std::string datacenter;    // whose services; empty: the agent's own
  std::string cluster_name;  // %SERVICE% stands in it
  bool at_once = false;
  envoy::config::cluster::v3::Cluster cluster;  // nothing of it says what the catalog does
  v1::ConsulCluster instances;                  // names no service
  std::string route_config_name;                // empty: no routes are made

  // No two services have the same.
  std::string clusterOf(std::string_view service) const;
};

// How Weir registers itself.
struct RegistrationSettings {
  enum class Check : uint8_t { Http, Grpc };

  std::string name, id;
  std::vector<std::string> tags;
  std::map<std::string, std::string> meta;
  std::string address;  // empty: the agent's own
  uint16_t port = 0;    // 0: that of the first listener
  Check check = Check::Http;
  std::string target;  // what is checked; empty: /ready of the admin interface
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds forgotten_after{0};  // while it is critical; 0: never
};

// Nothing, and reported, when it is not to be used. Whether the cluster exists is not looked at.
std::optional<AgentSettings> readAgent(const v1::Consul& proto, const Where& at);
std::optional<ServiceSettings> readService(const v1::ConsulCluster& proto, const Where& at);
std::optional<CatalogSettings> readCatalog(const v1::Catalog& proto, const AgentSettings& agent,
                                           const Where& at);
// `has_admin`: at an IP address.
std::optional<RegistrationSettings> readRegistration(const v1::Registration& proto,
                                                     const std::string& node_id, bool has_admin,
                                                     const Where& at);

// Empty without a source; without the newline that ends a file. The error's text never holds it.
Result<std::string> readToken(const envoy::config::core::v3::DataSource& source);

}  // namespace weir::consul
