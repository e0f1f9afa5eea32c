// The Server composes everything: it reads the configuration, opens the sockets, starts workers,
// and lives on the main thread until it has drained. run() is the life of the process.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/admin/admin_server.h"
#include "source/net/loop.h"
#include "source/overload/watch.h"
#include "source/runtime/runtime.h"
#include "source/server/admin_view.h"
#include "source/server/cluster_post.h"
#include "source/server/configuration.h"
#include "source/server/housekeeping.h"
#include "source/server/options.h"
#include "source/server/signals.h"
#include "source/server/tls_rotation.h"
#include "source/server/worker.h"
#include "source/telemetry/log_thread.h"
#include "source/telemetry/stat_store.h"
#include "weir/filter_registry.h"

namespace weir::server {

class Server final : net::TimerUser {
 public:
  explicit Server(const Options& options);
  ~Server();

  // The exit code of the process: 0, or 1 with the reason on stderr.
  int run();

 private:
  bool openState();
  bool load();
  bool openListeners();
  Configuration::Callbacks configurationCallbacks();
  bool openAdmin();
  void drainListeners(const admin::DrainRequest& request);
  void onProgress();
  void startWorkers();
  void registerItself();
  void startWatch();
  int serve();
  void onSignal(int signal);
  void beginDrain();
  void drainWorkers();
  void stopNow();
  void checkDrained();
  void setPhase(envoy::admin::v3::ServerInfo::State phase);
  void onTimer() override;
  uint64_t connections() const;

  const Options options_;
  net::Loop loop_;
  Signals signals_;  // before any thread, so that all inherit the blocked mask
  net::Timer timer_;
  FilterRegistry registry_;
  StatStore stats_;
  telemetry::LogThread logs_;
  envoy::config::bootstrap::v3::Bootstrap bootstrap_;
  runtime::Runtime runtime_;
  // What the main thread itself sends requests with: to control planes.
  cluster::WorkerClusters own_clusters_;
  stream::Services own_services_;
  std::vector<std::unique_ptr<Worker>> workers_;
  ClusterPost cluster_post_;
  std::unique_ptr<xds::StateDirectory> kept_state_;  // null: nothing is kept
  std::optional<Configuration> config_;
  TlsRotation tls_rotation_;
  AdminView admin_view_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::optional<admin::AdminSettings> admin_settings_;
  // The end of a graceful drain of listeners.
  struct ListenerStop final : net::TimerUser {
    explicit ListenerStop(Server& server) : server(server) {}
    void onTimer() override {
      for (auto& worker : server.workers_) worker->drain(false, inbound_only);
    }
    Server& server;
    bool inbound_only = false;
    net::Timer timer{*this};
  } listener_stop_{*this};
  // Control planes are asked for clusters, then for listeners.
  bool follows_clusters_ = false, follows_listeners_ = false;
  bool workers_started_ = false;
  net::SteadyTime started_;
  net::SteadyTime drain_deadline_{};
  bool draining_ = false;
  Housekeeping housekeeping_;
  std::optional<overload::Watch> watch_;
  envoy::admin::v3::ServerInfo::State phase_ = envoy::admin::v3::ServerInfo::PRE_INITIALIZING;
  Gauge live_, state_, concurrency_;
};

// --mode validate: everything but sockets and threads; prints what would be ignored.
int validate(const Options& options);

}  // namespace weir::server
