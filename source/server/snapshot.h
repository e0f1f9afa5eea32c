// A Snapshot is everything a bootstrap says, checked and compiled: clusters by slot and listeners.
// Built on the main thread; what workers use of it is immutable.
#pragma once

#include <memory>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/cluster/cluster.h"
#include "source/cluster/cluster_plan.h"
#include "source/listener/listener_plan.h"
#include "source/overload/plan.h"
#include "source/server/runtime.h"
#include "source/telemetry/log_thread.h"
#include "source/telemetry/stat_store.h"
#include "source/transport/tls/tls_plan.h"
#include "weir/filter_registry.h"
#include "weir/report.h"

namespace weir::server {

struct Snapshot {
  std::vector<cluster::ClusterPlan> cluster_plans;  // by slot
  std::shared_ptr<const std::vector<cluster::ClusterPtr>> clusters;
  std::vector<std::shared_ptr<const listener::ListenerPlan>> listeners;
  overload::Plan overload;

  // All that was made of certificates.
  std::vector<std::shared_ptr<transport::ReloadableTls>> tls() const;
};

// Reports every error; `runtime` outlives the snapshot; the snapshot is complete only when there
// was none. `workers`: how many there will be.
Snapshot buildSnapshot(const envoy::config::bootstrap::v3::Bootstrap& bootstrap, Report& report,
                       const FilterRegistry& registry, StatStore& stats, telemetry::LogThread& logs,
                       const Runtime& runtime, uint32_t workers);

}  // namespace weir::server
