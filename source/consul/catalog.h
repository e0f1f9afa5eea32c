// The Catalog makes a cluster of each service that Consul knows, and routes of what the services'
// instances ask for. While Consul fails, what it said last holds. Main thread; the agent and who is
// told outlive it.
//
//   constructor, start(), (use, setBase)*, destructor; nothing is told before Consul has answered
//
// Routes are told when each service's instances are known, or cannot be, for the first time, and
// after the clusters that they name.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/consul/catalog_routes.h"
#include "source/consul/service_watch.h"
#include "source/xds/resource.h"

namespace weir::consul {

// What the catalog makes of a service. Pure.
envoy::config::cluster::v3::Cluster clusterFor(const CatalogSettings& settings,
                                               const std::string& service);

class Catalog final : private WatchUser, private net::TimerUser {
 public:
  // Changes of routes that come within this are told together.
  static constexpr std::chrono::milliseconds kTogether{100};

  // None of these may destroy it.
  struct User {
    // All that there is of one type, Cluster or Routes: what is not among it any more is gone. What
    // has not changed is the same object as before.
    std::function<void(xds::ResourceType, const std::vector<xds::ResourcePtr>&)> tell;
    // Consul fails, and has said nothing yet.
    std::function<void()> miss;
  };
  using Base = std::optional<envoy::config::route::v3::RouteConfiguration>;

  Catalog(ServiceWatches& watches, CatalogSettings settings, User user);
  ~Catalog();

  void start() { watch_.start(); }

  // True: a service has this cluster, which has been told now, if not before.
  bool use(std::string_view cluster);
  // What routes are merged into, from elsewhere.
  void setBase(Base base);

  // Consul has said which services there are.
  bool known() const { return known_; }
  const Watch& watch() const { return watch_; }

 private:
  class Service;

  std::optional<std::string> onBody(const std::string& body) override;
  void onTrouble() override;
  void onTimer() override;
  bool make(Service& service);  // false: it was made before
  bool instancesKnown() const;
  void routesSoon();
  void tellClusters();
  void tellRoutes();
  void tellProblems(std::set<std::string> problems);

  ServiceWatches& watches_;
  Agent& agent_;
  const CatalogSettings settings_;
  const User user_;
  bool known_ = false;
  bool clusters_changed_ = true;                                           // since they were told
  std::map<std::string, std::unique_ptr<Service>, std::less<>> services_;  // by cluster
  Base base_;
  xds::ResourcePtr routes_;  // null: not told yet
  std::set<std::string> problems_;
  net::SteadyTime next_{};  // routes are not told before
  net::Timer timer_;
  const Gauge count_, problem_count_;
  Watch watch_;
};

}  // namespace weir::consul
