// A Configuration is what a bootstrap says, checked, compiled and kept: clusters, listeners, what
// is given up under load, runtime values, and the control planes that change them later. Main
// thread; what workers share of it is immutable.
#pragma once

#include <functional>
#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/access_logs/grpc_sinks.h"
#include "source/live/clusters.h"
#include "source/live/listeners.h"
#include "source/live/runtime_layers.h"
#include "source/load_reports/load_reporter.h"
#include "source/overload/plan.h"
#include "source/runtime/runtime.h"
#include "source/server/consul.h"
#include "source/server/on_demand.h"
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
    runtime::Runtime& runtime;
    uint32_t workers;                      // how many there will be
    xds::StateDirectory* state = nullptr;  // null: nothing is kept
  };
  struct Callbacks {
    decltype(live::SecretLife::Parts::given) secrets_given;
    live::Clusters::Callbacks clusters;
    live::Listeners::Callbacks listeners;
    std::function<void()> runtime_progress;
  };

  // Reports every error: it is complete only when there was none.
  Configuration(const Parts& parts, const Bootstrap& bootstrap, Report& report,
                const Callbacks& callbacks);
  ~Configuration();

  const xds::Sources& sources() const { return sources_; }
  live::Clusters& clusters() { return *clusters_; }
  const live::Clusters& clusters() const { return *clusters_; }
  live::Listeners& listeners() { return *listeners_; }
  const live::Listeners& listeners() const { return *listeners_; }
  // Null: none is followed.
  Consul* consul() { return consul_.get(); }
  const Consul* consul() const { return consul_.get(); }
  // Null: Weir is no service of Consul's.
  consul::Registration* registration() {
    return consul_ == nullptr ? nullptr : consul_->registration();
  }
  // The clusters of the bootstrap are warm: control planes and Consul are asked for theirs. Once,
  // as is what follows.
  void followClusters(const Bootstrap& bootstrap);
  // And these: they are asked for listeners.
  void followListeners(const Bootstrap& bootstrap);
  // What is in use of what an earlier process kept, for people.
  std::vector<std::string> staleness() const;
  live::RuntimeLayers& runtime() { return *runtime_; }
  const live::RuntimeLayers& runtime() const { return *runtime_; }
  // In a turn: what the bootstrap names looks for what it needs.
  void start();
  // Makes clusters that requests name and that are not there. Empty: nobody does.
  OnDemand onDemand();
  overload::Plan takeOverload() { return std::move(overload_); }

 private:
  void readSources(const Bootstrap& bootstrap, const Where& at);
  void checkControlPlanes(const Where& at) const;
  live::Clusters::Callbacks clusterCallbacks(live::Clusters::Callbacks callbacks);
  bool needsItself(const std::string& cluster) const;
  void makeContext(const Bootstrap& bootstrap, std::shared_ptr<const transport::Secrets> secrets);
  void makeListeners(const Bootstrap& bootstrap, const Where& at,
                     const live::SecretLife::Parts& secrets, live::Listeners::Callbacks callbacks);

  const Parts parts_;
  xds::Sources sources_;
  access_logs::GrpcSinks log_sinks_;
  live::Resolvers resolvers_;
  std::unique_ptr<Consul> consul_;  // null: no agent is named
  std::optional<live::RuntimeLayers> runtime_;
  std::optional<live::Clusters> clusters_;
  std::optional<stream::BuildContext> context_;
  overload::Plan overload_;
  std::optional<live::Listeners> listeners_;
  std::unique_ptr<load_reports::LoadReporter> load_reporter_;  // null: nobody wants reports
};

}  // namespace weir::server
