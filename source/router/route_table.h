// A RouteTable is one RouteConfiguration, checked and indexed: from a request's head to a virtual
// host and a route, with exactly the choice Envoy would make. Built on the main thread; immutable
// afterwards and shared by every worker. Pointers it hands out live as long as the table: a stream
// holds the shared_ptr, or the snapshot that holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/route/v3/route.pb.h"
#include "source/router/domains.h"
#include "source/router/route_build.h"
#include "source/router/virtual_host.h"

namespace weir::router {

struct Match {
  enum class Kind : uint8_t {
    Route,          // both pointers are set
    NoRoute,        // virtual_host is set
    NoVirtualHost,  // neither is
    TlsRequired,    // virtual_host is set; answer 301 with tlsLocation()
  };
  Kind kind = Kind::NoVirtualHost;
  const VirtualHost* virtual_host = nullptr;
  const Route* route = nullptr;
};

class RouteTable {
 public:
  // Null when errors were reported. Every error is reported, not only the first.
  static std::shared_ptr<const RouteTable> from(
      const envoy::config::route::v3::RouteConfiguration& proto, RouteBuild& build);

  // One without a route: nothing is found in it.
  static std::shared_ptr<const RouteTable> none();

  // Any worker. `trace` may be null; it costs nothing then.
  Match find(const Query& query, Candidates* trace = nullptr) const;

  const std::string& name() const { return name_; }
  const std::vector<std::unique_ptr<VirtualHost>>& virtualHosts() const { return hosts_; }
  uint32_t routeCount() const { return route_count_; }
  const LevelConfig& config() const { return config_; }
  // To be removed from requests that come from outside, by the stream, before anything else.
  const std::vector<HeaderName>& internalOnlyHeaders() const { return internal_only_; }

 private:
  RouteTable() = default;
  void read(const envoy::config::route::v3::RouteConfiguration& proto, Report& report);
  void readHosts(const envoy::config::route::v3::RouteConfiguration& proto, HostBuild& build,
                 const FieldPath& path, Report& report);
  const VirtualHost* findHost(const RequestHead& head) const;

  std::string name_;
  HeaderLevel headers_;
  LevelConfig config_;
  std::vector<HeaderName> internal_only_;
  std::optional<HeaderName> host_header_;
  bool ignore_port_ = false;
  uint32_t route_count_ = 0;
  Domains domains_;
  std::vector<std::unique_ptr<VirtualHost>> hosts_;
};

}  // namespace weir::router
