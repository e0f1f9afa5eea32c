// A Configuration is what a bootstrap says, checked, compiled and kept: clusters, listeners, what
// is given up under load, and the control planes that change the first two later. Main thread; what
// workers share of it is immutable.
#pragma once

#include <functional>
#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/live/clusters.h"
#include "source/live/listeners.h"
#include "source/overload/plan.h"
#include "source/server/runtime.h"
#include "source/stream/hcm_builder.h"
#include "source/telemetry/log_thread.h"
#include "source/telemetry/stat_store.h"
#include "source/xds/sources.h"
#include "weir/filter_registry.h"
#include "weir/report.h"

namespace weir::server {

class Configuration {
 public:
  using Bootstrap = envoy::config::bootstrap::v3::Bootstrap;

  // All outlives the configuration.
  struct Parts {
    net::Loop& loop;
    stream::Services& services;  // the main thread's, to talk to control planes
    const FilterRegistry& registry;
    StatStore& stats;
    telemetry::LogThread& logs;
    const Runtime& runtime;
    uint32_t workers;  // how many there will be
  };
  struct Callbacks {
    live::Clusters::Callbacks clusters;
    live::Listeners::Callbacks listeners;
  };

  // Reports every error: it is complete only when there was none.
  Configuration(const Parts& parts, const Bootstrap& bootstrap, Report& report,
                const Callbacks& callbacks);
  ~Configuration();

  live::Clusters& clusters() { return *clusters_; }
  const live::Clusters& clusters() const { return *clusters_; }
  live::Listeners& listeners() { return *listeners_; }
  const live::Listeners& listeners() const { return *listeners_; }
  overload::Plan takeOverload() { return std::move(overload_); }

 private:
  void readSources(const Bootstrap& bootstrap, const Where& at);
  void checkControlPlanes(const Where& at) const;
  void makeContext(const Bootstrap& bootstrap, std::shared_ptr<const transport::Secrets> secrets);
  void makeListeners(const Bootstrap& bootstrap, const Where& at,
                     live::Listeners::Callbacks callbacks);

  const Parts parts_;
  xds::Sources sources_;
  live::Resolvers resolvers_;
  std::optional<live::Clusters> clusters_;
  std::optional<stream::BuildContext> context_;
  overload::Plan overload_;
  std::optional<live::Listeners> listeners_;
};

}  // namespace weir::server
