// An AdminView shows the server to its admin interface, and does what that asks for. Lives in the
// Server; main thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source/admin/admin_source.h"
#include "source/runtime/runtime.h"
#include "source/server/configuration.h"
#include "source/server/options.h"
#include "source/server/tls_rotation.h"
#include "source/server/worker.h"
#include "source/telemetry/log_thread.h"

namespace weir::server {

class AdminView final : public admin::AdminSource {
 public:
  // All outlive the view.
  struct Parts {
    const Options& options;
    const std::optional<Configuration>& config;  // there before anything is asked
    const std::vector<std::unique_ptr<Worker>>& workers;
    StatStore& stats;
    telemetry::LogThread& logs;
    runtime::Runtime& runtime;
    const TlsRotation& tls;
  };
  struct Actions {
    std::function<envoy::admin::v3::ServerInfo::State()> state;
    std::function<void(const admin::DrainRequest&)> drain;
    std::function<void()> quit;
  };

  AdminView(Parts parts, Actions actions);

  // Once, when the configuration is there.
  void show(const envoy::config::bootstrap::v3::Bootstrap& bootstrap);

  // Downstream connections on all listeners: open ones, and those closed since the start.
  uint64_t connections() const;
  uint64_t closedConnections() const;

 private:
  uint64_t sumOverListeners(std::string_view stat) const;

  admin::BootstrapPtr bootstrap() const override { return bootstrap_; }
  std::chrono::system_clock::time_point configuredAt() const override { return configured_at_; }
  admin::ClusterTable clusters() const override;
  std::map<std::string, admin::DiscoveryView> discovery() const override;
  admin::DynamicViews dynamic() const override;
  std::vector<admin::ListenerView> listeners() const override;
  envoy::admin::v3::ServerInfo::State state() const override { return actions_.state(); }
  std::string version() const override;
  std::chrono::seconds uptime() const override;
  envoy::admin::v3::CommandLineOptions commandLine() const override;
  std::vector<admin::Unready> unready() const override;
  std::vector<std::string> staleness() const override { return parts_.config->staleness(); }
  StatStore& stats() const override { return parts_.stats; }
  void refreshStats() override;
  std::vector<std::string> decisions(size_t most) const override;
  std::vector<admin::TlsView> certificates() const override;
  std::vector<admin::RuntimeLayerView> runtime() const override;
  std::optional<Error> modifyRuntime(const admin::RuntimeValues& values) override;
  void failHealthChecks(bool fail) override;
  void drainListeners(const admin::DrainRequest& request) override { actions_.drain(request); }
  void reopenLogs() override { parts_.logs.reopen(); }
  void quit() override { actions_.quit(); }

  const Parts parts_;
  const Actions actions_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point configured_at_;
  admin::BootstrapPtr bootstrap_;
  mutable std::set<std::string> listener_names_;  // of statistics; of all that ever were
  Gauge uptime_, memory_allocated_, memory_heap_size_, total_connections_, first_expiry_;
  Gauge stale_;
};

}  // namespace weir::server
