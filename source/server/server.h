// The Server composes everything: it reads the configuration, opens the sockets, starts workers, and
// lives on the main thread until it has drained. run() is the life of the process.
#pragma once

#include <memory>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/net/loop.h"
#include "source/server/options.h"
#include "source/server/signals.h"
#include "source/server/snapshot.h"
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
  bool load();
  bool openListeners();
  void startWorkers();
  int serve();
  void onSignal(int signal);
  void beginDrain();
  void stopNow();
  void checkDrained();
  void onTimer() override;
  uint64_t connections() const;
  void setServerStats();

  const Options options_;
  net::Loop loop_;
  Signals signals_;  // before any thread, so that all inherit the blocked mask
  net::Timer timer_;
  FilterRegistry registry_;
  StatStore stats_;
  telemetry::LogThread logs_;
  envoy::config::bootstrap::v3::Bootstrap bootstrap_;
  Snapshot snapshot_;
  std::vector<std::unique_ptr<Worker>> workers_;
  net::SteadyTime started_;
  net::SteadyTime drain_deadline_{};
  bool draining_ = false;
  Gauge live_, state_, concurrency_, uptime_;
};

// --mode validate: everything but sockets and threads; prints what would be ignored.
int validate(const Options& options);

}  // namespace weir::server
