// Consul is all that follows one Consul agent, as weir.bootstrap.consul says: how it is asked, who
// follows which service, and what becomes resources of its keys and of its catalog. Part of the
// Configuration; main thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/consul/catalog.h"
#include "source/consul/kv.h"
#include "source/consul/registration.h"
#include "source/consul/resources.h"
#include "source/consul/service_watch.h"
#include "source/stream/services.h"
#include "weir/report.h"

namespace weir::server {

class Consul {
 public:
  // All outlives it.
  struct Parts {
    stream::Services& services;  // the main thread's
    StatScope root;
    xds::StateDirectory* kept = nullptr;  // null: nothing is kept
  };
  struct Settings {
    size_t index = 0;  // in bootstrap_extensions
    consul::AgentSettings agent;
    std::optional<std::string> keys;  // their prefix
    std::optional<consul::CatalogSettings> catalog;
    std::optional<consul::RegistrationSettings> registration;
  };

  // Null: bootstrap_extensions name none, or what is wrong is reported.
  static std::unique_ptr<Consul> read(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                      const Where& at, const Parts& parts);

  Consul(const Parts& parts, Settings settings);

  // Keys and catalog are asked for. Nothing is before agent().begin().
  void start();

  const Settings& settings() const { return settings_; }
  consul::Agent& agent() { return agent_; }
  const consul::Agent& agent() const { return agent_; }
  consul::ServiceWatches& services() { return services_; }
  // What the source `self` stands for; null: neither keys nor the catalog are followed.
  xds::Source* source() { return resources_ ? &*resources_ : nullptr; }
  // Null: it makes no clusters.
  consul::Catalog* catalog() { return catalog_ ? &*catalog_ : nullptr; }
  // Null: Weir is not to be registered.
  consul::Registration* registration() { return registration_ ? &*registration_ : nullptr; }

 private:
  void makeResources(net::Loop& loop, const StatScope& scope);
  void onKeys(xds::ResourceType type, std::vector<xds::ResourcePtr> resources,
              std::vector<xds::Refusal> unreadable);
  std::optional<envoy::config::route::v3::RouteConfiguration> takeBase(
      std::vector<xds::ResourcePtr>& routes) const;

  const Settings settings_;
  consul::Agent agent_;
  consul::ServiceWatches services_;
  std::optional<consul::Resources> resources_;
  std::optional<consul::Kv> keys_;
  std::optional<consul::Catalog> catalog_;
  std::optional<consul::Registration> registration_;
};

}  // namespace weir::server
