// A ClusterAction forwards the request to a cluster: which one, how long it may take, and what is
// changed on the way. Built once from an envoy.config.route.v3.RouteAction; immutable, so every
// worker may use it at the same time. What is rarely used stands behind a pointer, so that a table
// of 100,000 plain routes stays small.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/cluster/cluster.h"
#include "source/router/field_path.h"
#include "source/router/grpc_deadline.h"
#include "source/router/header_ops.h"
#include "source/router/level_config.h"
#include "source/router/retry_policy.h"
#include "source/router/rewrite.h"
#include "source/router/route_build.h"

namespace weir::router {

// One of several clusters that share a route's traffic.
struct WeightedCluster {
  std::string name;  // empty when `header` names it
  uint32_t slot = kNoCluster;
  std::optional<HeaderName> header;  // the cluster is this field's value
  uint64_t end = 0;                  // the interval [previous end, end) of the total is its share
  RuntimeKey weight;                 // instead, while it has a number
  std::string host_rewrite;
  HeaderLevel headers;
  LevelConfig config;
  cluster::CriteriaPtr wanted;  // with what the route wants
};

struct WeightedClusters {
  std::vector<WeightedCluster> clusters;
  uint64_t total = 0;
  std::optional<HeaderName> random_header;  // a client's number decides instead of ours
  bool by_runtime = false;                  // some weight may change

  const WeightedCluster& pick(const RequestHead& head, uint64_t random) const;

 private:
  uint64_t weightOf(size_t cluster) const;
  const WeightedCluster& pickByRuntime(uint64_t random) const;
};

// The result of choosing. `slot` is kNoCluster when only a name is known (cluster_header): the
// caller resolves it in the snapshot. Views live as long as the request's head and the table.
struct ClusterChoice {
  uint32_t slot = kNoCluster;
  std::string_view name;
  const WeightedCluster* weighted = nullptr;
};

struct Upgrade {
  std::string type;  // lower case: "websocket", "connect"
  bool enabled = true;
  bool ends_connect = false;  // connect_config: the cluster gets what is in the tunnel
};

struct ClusterAction {
  static ClusterAction from(const envoy::config::route::v3::RouteAction& proto,
                            std::shared_ptr<const RetryPolicy> inherited_retry, ClusterCheck check,
                            const FieldPath& path, Report& report);

  // `picked`: the weighted cluster, where it was picked before.
  ClusterChoice choose(const RequestHead& head, uint64_t random,
                       const WeightedCluster* picked = nullptr) const;

  // Of the endpoint; null: nothing.
  const cluster::Criteria* wantedOf(const WeightedCluster* picked) const {
    return (picked == nullptr ? wanted : picked->wanted).get();
  }

  // One of the three names the cluster.
  std::string cluster;
  uint32_t slot = kNoCluster;
  std::optional<HeaderName> cluster_header;
  std::unique_ptr<const WeightedClusters> weighted;

  cluster::CriteriaPtr wanted;  // metadata_match

  uint16_t cluster_not_found_status = 503;
  cluster::Priority priority = cluster::Priority::Default;
  bool auto_host_rewrite = false;  // the endpoint's host name, when it is known
  bool append_x_forwarded_host = false;

  std::chrono::milliseconds timeout{15'000};              // 0: none
  std::string timeout_text = "15000";                     // the same, as requests are told
  std::unique_ptr<const GrpcTimeout> grpc_timeout;        // of gRPC calls; null: `timeout`
  std::optional<std::chrono::milliseconds> idle_timeout;  // unset: the listener's; 0: none
  std::optional<std::chrono::milliseconds> flush_timeout;
  std::unique_ptr<const StreamDuration> duration;  // null: the listener's

  PathRewrite path_rewrite;
  HostRewrite host_rewrite;
  std::shared_ptr<const RetryPolicy> retry;  // null: none
  std::vector<Upgrade> upgrades;
  // Read by the load balancers that hash; null when there are none.
  std::unique_ptr<const envoy::config::route::v3::RouteAction> hash_policy;

 private:
  void readCluster(const envoy::config::route::v3::RouteAction& proto, ClusterCheck check,
                   const FieldPath& path, Report& report);
  void readDurations(const envoy::config::route::v3::RouteAction& proto, const FieldPath& path,
                     Report& report);
  void readUpgrades(const envoy::config::route::v3::RouteAction& proto, const FieldPath& path,
                    Report& report);
};

}  // namespace weir::router
