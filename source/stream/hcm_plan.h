// An HcmPlan is an HttpConnectionManager's configuration, checked and compiled: what every stream
// of its connections needs, read-only and shared by all workers.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "envoy/config/core/v3/config_source.pb.h"
#include "source/cluster/named_cluster.h"
#include "source/http2/options.h"
#include "source/http2/stats.h"
#include "source/router/dispatch.h"
#include "source/router/route_table.h"
#include "source/stream/background_work.h"
#include "source/stream/chains.h"
#include "source/stream/codec_choice.h"
#include "source/stream/forwarding_policy.h"
#include "source/stream/hcm_stats.h"
#include "source/stream/path_policy.h"
#include "source/stream/request_id.h"
#include "source/stream/upgrades.h"
#include "source/telemetry/access_log_plan.h"
#include "weir/router_plan.h"

namespace weir::stream {

struct Scopes;
struct ScopesSpec;

// Routes that come from a control plane.
struct RdsSpec {
  envoy::config::core::v3::ConfigSource source;
  std::string name;
};

struct HcmPlan {
  // `scope` is "http.<stat_prefix>", `http2` all codecs' own.
  HcmPlan(const StatScope& scope, const StatScope& http2) : stats(scope), http2_stats(http2) {}

  // The weighted cluster that the request would go to; null when its route has none.
  const router::WeightedCluster* pick(const router::Route* route, const RequestHead& head,
                                      uint64_t random) const {
    const router::ClusterAction* action = route == nullptr ? nullptr : route->cluster();
    if (action == nullptr || action->weighted == nullptr) return nullptr;
    return &action->weighted->pick(head, random);
  }
  router::Terms terms() const {
    return {.envoy_headers = !router.suppress_envoy_headers,
            .scheme_matches_upstream = forwarding.schemeMatchesUpstream(),
            .steered = false,
            .buffer_limit = buffer_limit,
            .picked = nullptr,
            .at_most = {}};
  }

  HcmStats stats;
  http2::Stats http2_stats;
  // Before a control plane sends some: none.
  std::shared_ptr<const router::RouteTable> routes = router::RouteTable::none();
  // What the routes name, without those that are never taken away; null: nothing. Copies of the
  // plan have it in common.
  std::shared_ptr<cluster::NamedClusters> clusters;
  std::shared_ptr<const RdsSpec> rds;  // null: the routes are the listener's own, or of a scope
  std::shared_ptr<const ScopesSpec> scoped;  // null: there are no scopes
  std::shared_ptr<const Scopes> scopes;      // whose plans are used instead; null: not known yet
  Chains chains;
  std::vector<ConfiguredFilter> filters;  // what `chains` were made of
  StatScope filter_scope;
  Upgrades upgrades;
  RouterPlan router;
  ForwardingPolicy forwarding;
  PathPolicy paths;
  RequestIdPolicy ids;
  telemetry::AccessLogPlan access_logs;
  std::vector<std::shared_ptr<BackgroundWork>> background;  // of its filters' plans
  size_t own_background = 0;  // of `background`, from the front: not of some route's plans

  // Zero means none.
  std::chrono::milliseconds idle_timeout{3'600'000};
  std::chrono::milliseconds request_timeout{0};
  std::chrono::milliseconds request_headers_timeout{0};
  std::chrono::milliseconds stream_idle_timeout{300'000};
  std::chrono::milliseconds max_stream_duration{0};
  std::chrono::milliseconds max_connection_duration{0};
  std::chrono::milliseconds delayed_close_timeout{1000};
  std::chrono::milliseconds drain_timeout{5000};  // between the two GOAWAYs of HTTP/2, at most
  uint64_t max_requests_per_connection = 0;

  CodecType codec = CodecType::Auto;
  http2::Options http2 = http2::defaultOptions(http2::Role::Server);
  uint32_t max_head_bytes = 60 * 1024;
  uint32_t max_fields = 100;
  uint64_t buffer_limit = 1 << 20;  // of each connection, as the listener says
  bool accept_http_10 = false;
  std::string default_host_for_http_10;
  bool proxy_100_continue = false;
  bool enable_trailers = false;
  bool bypasses_overload = false;  // the listener's bypass_overload_manager
  bool append_local_overload = false;
};

}  // namespace weir::stream
