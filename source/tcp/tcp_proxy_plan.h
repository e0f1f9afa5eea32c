// A TcpProxyPlan is an envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, checked: where a
// connection's bytes go and for how long. Immutable, shared by all workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/stream/hcm_builder.h"
#include "source/telemetry/access_log_plan.h"
#include "source/transport/connection.h"
#include "weir/report.h"
#include "weir/stats.h"

namespace envoy::extensions::filters::network::tcp_proxy::v3 {
class TcpProxy;
}

namespace weir::tcp {

struct TcpProxyStats {
  explicit TcpProxyStats(const StatScope& scope);  // "tcp.<stat_prefix>"
  Counter cx_total, no_route, paused_reading, resumed_reading, idle_timeout, max_duration;
  transport::ByteCounters bytes;
};

struct TcpProxyPlan {
  using Proto = envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

  // Null when errors were reported.
  static std::shared_ptr<const TcpProxyPlan> from(const Proto& proto, const Where& at,
                                                  const stream::BuildContext& context);

  struct Target {
    std::string name;
    uint32_t slot;  // kNoSlot: there is no such cluster
    uint32_t weight = 1;
    cluster::CriteriaPtr wanted = {};     // of the endpoint; null: nothing
    cluster::NamedClusterPtr named = {};  // null: it is never taken away
  };
  const Target& pick(uint64_t random) const;

  explicit TcpProxyPlan(const StatScope& scope) : stats(scope) {}

  TcpProxyStats stats;
  std::vector<Target> targets;
  uint64_t total_weight = 0;
  uint32_t max_connect_attempts = 1;
  size_t buffer_limit = 1 << 20;  // of each connection
  // Zero means none.
  std::chrono::milliseconds idle_timeout{3'600'000};
  std::chrono::milliseconds max_duration{0};
  double max_duration_jitter = 0;             // at most this share of it is added
  std::chrono::milliseconds backoff_base{0};  // between attempts
  std::chrono::milliseconds backoff_max{0};
  std::chrono::milliseconds log_interval{0};
  bool log_on_start = false;
  bool log_on_connected = false;
  telemetry::AccessLogPlan access_logs;
};

}  // namespace weir::tcp
