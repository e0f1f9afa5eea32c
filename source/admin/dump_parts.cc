#include "source/admin/dump_parts.h"

#include <google/protobuf/util/time_util.h>

#include <map>
#include <tuple>

#include "source/admin/proto_address.h"

namespace weir::admin {

namespace {

// What leaves counts as unhealthy here, as in Envoy.
envoy::config::core::v3::HealthStatus statusOf(cluster::Health health) {
  if (health == cluster::Health::Healthy) return envoy::config::core::v3::HEALTHY;
  if (health == cluster::Health::Degraded) return envoy::config::core::v3::DEGRADED;
  return envoy::config::core::v3::UNHEALTHY;
}

}  // namespace

google::protobuf::Timestamp stampOf(std::chrono::system_clock::time_point when) {
  return google::protobuf::util::TimeUtil::MillisecondsToTimestamp(
      std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count());
}

envoy::admin::v3::UpdateFailureState refusalOf(const DynamicView& view) {
  envoy::admin::v3::UpdateFailureState state;
  *state.mutable_failed_configuration() = view.refused->body;
  *state.mutable_last_update_attempt() = stampOf(view.refused_at);
  state.set_details(view.reason);
  state.set_version_info(view.refused->version);
  return state;
}

envoy::config::endpoint::v3::ClusterLoadAssignment assignmentOf(const cluster::Cluster& cluster) {
  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(cluster.name());
  std::map<std::tuple<uint32_t, std::string, std::string, std::string>,
           envoy::config::endpoint::v3::LocalityLbEndpoints*>
      localities;
  const auto now = cluster.endpoints();
  assignment.mutable_policy()->mutable_overprovisioning_factor()->set_value(
      now->rules.overprovisioning_factor);
  for (const cluster::EndpointPtr& endpoint : now->all) {
    auto*& locality =
        localities[{endpoint->priority, endpoint->region, endpoint->zone, endpoint->sub_zone}];
    if (locality == nullptr) {
      locality = assignment.add_endpoints();
      locality->set_priority(endpoint->priority);
      locality->mutable_locality()->set_region(endpoint->region);
      locality->mutable_locality()->set_zone(endpoint->zone);
      locality->mutable_locality()->set_sub_zone(endpoint->sub_zone);
      if (endpoint->locality_weight != 0) {
        locality->mutable_load_balancing_weight()->set_value(endpoint->locality_weight);
      }
    }
    auto& entry = *locality->add_lb_endpoints();
    writeAddress(endpoint->connectAddress(), *entry.mutable_endpoint()->mutable_address());
    entry.mutable_endpoint()->set_hostname(endpoint->hostname);
    if (endpoint->metadata != nullptr) *entry.mutable_metadata() = endpoint->metadata->all.proto();
    entry.set_health_status(statusOf(endpoint->health));
    entry.mutable_load_balancing_weight()->set_value(endpoint->weight);
  }
  return assignment;
}

}  // namespace weir::admin
