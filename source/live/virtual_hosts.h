// VirtualHosts are those that a control plane adds to one route configuration
// (VHDS), for as long as that asks for them. Owned by the RouteSubscription;
// main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "envoy/config/route/v3/route_components.pb.h"
#include "source/xds/sources.h"
#include "source/xds/watch.h"

namespace weir::live {

class VirtualHosts final : private xds::Watcher {
 public:
  using ConfigSource = envoy::config::core::v3::ConfigSource;
  using VirtualHost = envoy::config::route::v3::VirtualHost;
  using ByName = std::map<std::string, VirtualHost>;  // "<route configuration>/<name>"
  struct Callbacks {
    // Nothing: these are in use; else why they are not.
    std::function<std::optional<std::string>(const ByName&)> take;
    std::function<void()> settled;  // once: an answer has come, or none will be waited for
  };

  // `routes` is the route configuration's name, `scope` the statistics' of the
  // manager.
  VirtualHosts(ConfigSource source, const std::string& routes, const StatScope& scope,
               Callbacks callbacks);
  ~VirtualHosts();

  // Once. The source has been checked before.
  void start(net::Loop& loop, xds::Sources& sources);
  bool settled() const { return settled_; }
  bool isFrom(const ConfigSource& source) const;
  // Those in use.
  const ByName& all() const { return all_; }

 private:
  void onUpdate(const xds::Update& update, std::vector<xds::Refusal>& refusals) override;
  void onFetchTimeout() override;
  // Uses what can be used of `fresh`, besides those of `kept`.
  void takeEach(ByName kept, ByName fresh, std::vector<xds::Refusal>& refusals);
  // Adds to `kept` what of `some` goes with it, and to `refused` the rest.
  void takeSome(ByName& kept, const ByName& some, ByName& refused, std::vector<xds::Refusal>& why);
  void settle();

  const ConfigSource source_;
  const std::string prefix_;
  const StatScope scope_;
  const Callbacks callbacks_;
  const Counter reloads_, empty_;
  ByName all_;
  std::unique_ptr<xds::Watch> watch_;
  bool settled_ = false;
};

}  // namespace weir::live
