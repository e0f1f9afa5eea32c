// Makes what bootstrap.cluster_manager.load_stats_config asks for. Main thread, while the
// configuration is loaded.
#pragma once

#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/live/clusters.h"
#include "source/load_reports/load_reporter.h"
#include "source/stream/services.h"
#include "weir/report.h"

namespace weir::server {

// Null when it asks for none, or errors were reported. `services`, the main thread's, and
// `clusters` outlive it. `at` is the bootstrap's place.
std::unique_ptr<load_reports::LoadReporter> buildLoadReporter(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, const Where& at,
    const live::Clusters& clusters, stream::Services& services, const StatScope& root);

}  // namespace weir::server
