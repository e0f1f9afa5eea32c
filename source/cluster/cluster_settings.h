// ClusterSettings is what a cluster's configuration says, checked, but for its endpoints. Made on
// the main thread, immutable, shared by all workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "source/cluster/request_names.h"
#include "source/http2/options.h"
#include "source/telemetry/configured_metadata.h"

namespace weir::transport {
class TlsClient;
}

namespace weir::cluster {

struct ProxyHeaderSettings;
struct SubsetSettings;

inline constexpr uint32_t kNoSlot = UINT32_MAX;

enum class Discovery : uint8_t { Static, StrictDns, LogicalDns, Eds, Consul };
enum class LbPolicy : uint8_t { RoundRobin, Random, LeastRequest };

// Of a route's requests: each priority has its own thresholds, counts and connections.
enum class Priority : uint8_t { Default, High };

// What a cluster's endpoints speak. Agreed: what TLS agrees on, HTTP/1 in plain text. AsDownstream:
// the version of the request's own connection.
enum class HttpVersion : uint8_t { Http1, Http2, Agreed, AsDownstream };

// Retries at one time as a share of the requests at that time.
struct RetryBudget {
  double percent = 20;
  uint32_t least = 3;
};

// One priority's circuit-breaker thresholds (envoy CircuitBreakers.Thresholds).
struct Limits {
  uint32_t max_connections = 1024;
  uint32_t max_pending = 1024;
  uint32_t max_requests = 1024;
  uint32_t max_retries = 3;
  std::optional<RetryBudget> retry_budget;  // takes the place of max_retries
};

struct ClusterSettings {
  std::string name;
  std::string stat_name;         // alt_stat_name or name
  std::string eds_service_name;  // of Eds; empty: the name
  bool added_via_api = false;    // by a control plane
  Discovery discovery = Discovery::Static;
  LbPolicy lb_policy = LbPolicy::RoundRobin;
  uint32_t choice_count = 2;           // of LeastRequest
  uint32_t panic_threshold = 50;       // percent of endpoints that are available; 0: no panic
  bool fail_traffic_on_panic = false;  // else all endpoints get it
  std::shared_ptr<const SubsetSettings> subsets;  // null: endpoints are not divided
  Limits limits;                                  // of DEFAULT priority
  Limits high_limits;                             // of HIGH priority
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{3'600'000};  // of pooled connections; 0: none
  size_t buffer_limit = 1 << 20;                      // per_connection_buffer_limit_bytes
  uint64_t max_requests_per_connection = 0;           // 0: no limit
  uint32_t max_response_head_bytes = 60 * 1024;
  uint32_t max_response_fields = 100;
  std::shared_ptr<const telemetry::ConfiguredMetadata> metadata;  // null: none
  std::shared_ptr<const ProxyHeaderSettings> proxy_header;        // null: none is written
  std::shared_ptr<transport::TlsClient> tls;                      // null: plain
  std::optional<RequestNames> names;                              // only beside tls
  HttpVersion http_version = HttpVersion::Http1;
  http2::Options http2 = http2::defaultOptions(http2::Role::Client);
  bool enable_trailers = false;  // of HTTP/1: else trailers are dropped, as in Envoy
};

}  // namespace weir::cluster
