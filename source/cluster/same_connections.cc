#include "source/cluster/same_connections.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <string>

namespace weir::cluster {
namespace {

using ClusterProto = envoy::config::cluster::v3::Cluster;

void clearRest(ClusterProto& proto) {
  // How endpoints are found.
  proto.clear_cluster_discovery_type();
  proto.clear_eds_cluster_config();
  proto.clear_load_assignment();
  proto.clear_dns_refresh_rate();
  proto.clear_dns_jitter();
  proto.clear_dns_failure_refresh_rate();
  proto.clear_respect_dns_ttl();
  proto.clear_dns_lookup_family();
  proto.clear_dns_resolvers();
  proto.clear_use_tcp_for_dns_lookups();
  proto.clear_dns_resolution_config();
  proto.clear_typed_dns_resolver_config();
  proto.clear_wait_for_warm_on_init();
  proto.clear_cleanup_interval();
  // How they are chosen.
  proto.clear_lb_policy();
  proto.clear_load_balancing_policy();
  proto.clear_lb_config();
  proto.clear_common_lb_config();
  proto.clear_lb_subset_config();
  // Whether they are well, and how much they get.
  proto.clear_health_checks();
  proto.clear_outlier_detection();
  proto.clear_ignore_health_on_host_removal();
  proto.clear_close_connections_on_host_health_failure();
  proto.clear_circuit_breakers();
  proto.clear_preconnect_policy();
  // What is said of them.
  proto.clear_metadata();
  proto.clear_track_timeout_budgets();
  proto.clear_track_cluster_stats();
  proto.clear_lrs_server();
  proto.clear_connect_timeout();
}

// Maps in the order of their keys.
std::string bytesOf(const ClusterProto& proto) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  proto.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

}  // namespace

bool sameConnections(ClusterProto one, ClusterProto other) {
  clearRest(one);
  clearRest(other);
  return bytesOf(one) == bytesOf(other);
}

}  // namespace weir::cluster
