// What /config_dump and the client status say of one resource, in the words of envoy.admin.v3.
// Secrets are still in what is made here. Any thread.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <chrono>

#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/admin/admin_source.h"

namespace weir::admin {

google::protobuf::Timestamp stampOf(std::chrono::system_clock::time_point when);

// Why the newest version of a resource is not in use. Only where `view.refused` is.
envoy::admin::v3::UpdateFailureState refusalOf(const DynamicView& view);

// What load balancing chooses from now: of a DNS cluster what was resolved.
envoy::config::endpoint::v3::ClusterLoadAssignment assignmentOf(const cluster::Cluster& cluster);

}  // namespace weir::admin
