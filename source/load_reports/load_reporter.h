// A LoadReporter tells a service what each cluster's endpoints did since it told last, as often as
// the service wants it (envoy.service.load_stats.v3). The numbers are those that workers count
// anyway. It keeps one stream open and opens it again, after a pause, when it ends. What happens
// between two streams is in the next report. Main thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "envoy/service/load_stats/v3/lrs.pb.h"
#include "source/cluster/cluster.h"
#include "source/net/loop.h"
#include "source/rpc/back_off.h"
#include "source/rpc/message_stream.h"
#include "weir/stats.h"

namespace weir::load_reports {

// One cluster that is in use now.
struct Reported {
  cluster::ClusterPtr cluster;
  std::string service_name;  // what EDS calls it, where that is another name
};

class LoadReporter final : private rpc::MessageStreamUser, private net::TimerUser {
 public:
  struct Settings {
    envoy::config::core::v3::Node node;
    rpc::BackOff::Bounds back_off;
    std::function<uint64_t()> random;
    std::function<std::vector<Reported>()> clusters;
    // How many requests of a cluster were dropped, ever, since its limits were reached.
    std::function<uint64_t(const cluster::Cluster&)> dropped;
    StatScope scope;  // "load_reporter"
  };

  LoadReporter(net::Loop& loop, Settings settings, rpc::MakeStream make);
  ~LoadReporter();

  // In a turn, when the service's cluster is there.
  void start() { open(); }

 private:
  // What was told of a host, ever. Those that are gone stay until their last was told.
  struct Told {
    uint64_t issued = 0, success = 0, error = 0, connections = 0, failed_connections = 0;
  };
  struct ByHost {
    bool operator()(const cluster::EndpointPtr& a, const cluster::EndpointPtr& b) const {
      return a->shared_counts < b->shared_counts;
    }
  };
  struct Tracked {
    net::SteadyTime since;  // the last report
    uint64_t dropped = 0;
    std::map<cluster::EndpointPtr, Told, ByHost> endpoints;
  };

  void open();
  void track();
  void report();
  void fill(const Reported& cluster, Tracked& tracked,
            envoy::config::endpoint::v3::ClusterStats& to) const;
  void send(const envoy::service::load_stats::v3::LoadStatsRequest& request);
  bool wants(const std::string& name) const { return all_ || names_.contains(name); }

  void onMessage(std::string_view bytes) override;
  void onStreamEnd(std::string_view why) override;
  void onTimer() override;

  net::Loop& loop_;
  const Settings settings_;
  envoy::config::core::v3::Node node_;  // with what the service is to know of this client
  const rpc::MakeStream make_;
  const Counter requests_, responses_, errors_, retries_;
  rpc::BackOff back_off_;
  net::Timer timer_;  // of the next report, or the next stream
  std::unique_ptr<rpc::MessageStream> stream_;
  // What the service wants.
  bool all_ = false, endpoints_too_ = false;
  std::set<std::string, std::less<>> names_;
  std::chrono::milliseconds interval_{0};
  std::map<std::string, Tracked, std::less<>> tracked_;
};

}  // namespace weir::load_reports
