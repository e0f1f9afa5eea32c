// A ListenerVersion is one version of a listener: its plan, and what brings the plan's parts their
// routes, filters and secrets. Owned by Listeners; main thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/listener/listener_plan.h"
#include "source/live/filter_life.h"
#include "source/live/route_life.h"
#include "source/live/secret_life.h"

namespace weir::live {

using ListenerProto = envoy::config::listener::v3::Listener;

struct ListenerVersion {
  struct Parts {
    RouteLife::Parts routes;
    SecretLife::Parts secrets;
  };

  // What stays of `former`, which may be null, keeps its routes, filters and secrets; others share
  // what their source has answered. `callbacks.warm` may be called several times.
  void want(const Parts& parts, const ListenerVersion* former,
            const RouteLife::Callbacks& callbacks);
  // Whatever was not started before.
  void start() const;
  bool warm() const;

  ListenerProto proto;
  xds::ResourcePtr resource;  // null of the bootstrap's
  std::chrono::system_clock::time_point updated;
  std::shared_ptr<const listener::ListenerPlan> plan;
  std::map<const stream::Hcm*, std::shared_ptr<RouteLife>> routes;
  std::map<const stream::Hcm*, std::shared_ptr<FilterLife>> filters;
  std::map<const transport::ReloadableTls*, std::shared_ptr<SecretLife>> secrets;

 private:
  void addHttp(const RouteLife::Parts& parts, const ListenerVersion& before,
               const std::shared_ptr<stream::Hcm>& hcm, const RouteLife::Callbacks& callbacks);
};

}  // namespace weir::live
