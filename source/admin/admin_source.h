// An AdminSource is what the admin interface knows of the server and may do to it: the server
// implements it, tests fake it. Every function is called on the main thread and answers at once.
// What pages over big things need is handed out as shared pointers to what does not change, because
// they are rendered by another thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "envoy/admin/v3/server_info.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/cluster/cluster.h"
#include "source/net/address.h"
#include "source/telemetry/stat_store.h"
#include "source/xds/resource.h"
#include "weir/result.h"
#include "weir/tls_facts.h"

namespace weir::admin {

using BootstrapPtr = std::shared_ptr<const envoy::config::bootstrap::v3::Bootstrap>;
using ClusterTable = std::shared_ptr<const std::vector<cluster::ClusterPtr>>;
using RuntimeValues = std::map<std::string, std::string>;

// A layer of the runtime, with what its keys say.
struct RuntimeLayerView {
  std::string name;
  RuntimeValues values;
};

// What a listener really listens on: the port the kernel chose where the configuration says 0.
struct ListenerView {
  std::string name;
  net::Address address;
};

// A certificate, and where it was read: a file's name, or "<inline>".
struct CertificateView {
  std::string path;
  std::shared_ptr<const CertificateFacts> facts;
};

// What one listener's filter chain or one cluster trusts and shows.
struct TlsView {
  std::vector<CertificateView> authorities;
  std::vector<CertificateView> chain;
};

// Something that start-up or a change still waits for: "Cluster back", {"dns"}.
struct Unready {
  std::string name;
  std::vector<std::string> targets;
};

// What a control plane gave, by name.
struct DynamicView {
  std::string name;
  xds::ResourcePtr active, warming;  // each may be null
  std::chrono::system_clock::time_point updated;
  xds::ResourcePtr refused;  // newer than what is in use; null: none
  std::string reason;
  std::chrono::system_clock::time_point refused_at;
};

// The scopes of one HttpConnectionManager, as they were said last.
struct ScopesView {
  std::string name;      // of its scoped_routes
  bool dynamic = false;  // a control plane sends them; else the listener does
  std::string version;   // of the response that was accepted last
  std::vector<google::protobuf::Any> scopes;
  std::chrono::system_clock::time_point updated;
  std::vector<DynamicView> refused;  // only what was refused is set
};

struct DynamicViews {
  std::vector<DynamicView> clusters, filters, listeners, routes, secrets;
  std::vector<ScopesView> scopes;
  std::string clusters_version, listeners_version;  // of the responses accepted last
};

// Where a cluster's endpoints come from, when that may be out of reach while they are used on.
struct DiscoveryView {
  std::chrono::seconds age{0};  // since they were confirmed last; 0: they are
  std::string trouble;          // "no_answer: connection refused"; empty: there is none
};

// POST /drain_listeners. Neither flag: listeners close at once, requests in flight finish.
struct DrainRequest {
  bool graceful = false;      // go on accepting for the drain time while telling clients to leave
  bool skip_exit = false;     // tell clients to leave, but never stop listening
  bool inbound_only = false;  // only listeners with traffic_direction INBOUND
};

class AdminSource {
 public:
  // --- configuration
  // As it was loaded, with the command line's node; secrets and all.
  virtual BootstrapPtr bootstrap() const = 0;
  virtual std::chrono::system_clock::time_point configuredAt() const = 0;
  virtual ClusterTable clusters() const = 0;
  // By the cluster's name, of those whose endpoints come from where they may not be confirmed.
  virtual std::map<std::string, DiscoveryView> discovery() const { return {}; }
  virtual DynamicViews dynamic() const { return {}; }
  virtual std::vector<ListenerView> listeners() const = 0;

  // --- the process
  virtual envoy::admin::v3::ServerInfo::State state() const = 0;
  virtual std::string version() const = 0;
  virtual std::chrono::seconds uptime() const = 0;
  virtual envoy::admin::v3::CommandLineOptions commandLine() const = 0;
  virtual std::vector<Unready> unready() const = 0;  // empty once everything is initialized
  // What is in use of an earlier process's saved state, a line each.
  virtual std::vector<std::string> staleness() const { return {}; }

  // --- what it observed
  // Any thread may read it, as long as the server lives.
  virtual StatStore& stats() const = 0;
  // Sets the gauges that nobody sets by themselves (server.uptime); before every page of stats.
  virtual void refreshStats() = 0;
  // The newest decision records of all workers, newest first, each a JSON object.
  virtual std::vector<std::string> decisions(size_t most) const = 0;

  virtual std::vector<TlsView> certificates() const { return {}; }

  // --- runtime
  // The last layer that has a key says its value.
  virtual std::vector<RuntimeLayerView> runtime() const = 0;
  // An empty value removes an override. The error says why nothing was changed.
  virtual std::optional<Error> modifyRuntime(const RuntimeValues& values) = 0;

  // --- actions
  virtual void failHealthChecks(bool fail) = 0;
  virtual void drainListeners(const DrainRequest& request) = 0;
  virtual void reopenLogs() = 0;
  // The answer to the request that asked for it still leaves.
  virtual void quit() = 0;

 protected:
  ~AdminSource() = default;
};

}  // namespace weir::admin
