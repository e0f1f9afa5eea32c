// Filters whose configuration comes from a control plane (HttpFilter.config_discovery): what the
// manager's configuration says of them, and how one that has come is taken into a plan. Main
// thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "envoy/config/core/v3/config_source.pb.h"
#include "source/stream/filter_build.h"

namespace weir::stream {

struct FilterDiscovery {
  envoy::config::core::v3::ConfigSource source;
  std::vector<const FilterType*> types;  // which it may be
  bool waits = true;                     // its listener does not serve before there is an answer
};

// A configuration that has come.
struct FoundFilter {
  ChainSlot slot;
  BackgroundList background;  // of its plan
};

// Nothing: errors were reported, among others a type that config_discovery does not name. `at` is
// the configuration's place, `scope` the connection manager's.
std::optional<FoundFilter> readFound(const FilterDiscovery& discovery, const std::string& name,
                                     const google::protobuf::Any& config, const Where& at,
                                     const BuildContext& context, const StatScope& scope);

// As the bootstrap or a listener says it, until something has come: the default configuration, or a
// filter that answers each request with 500. Nothing: errors were reported.
std::optional<ConfiguredFilter> readDiscovered(
    const envoy::config::core::v3::ExtensionConfigSource& proto, const std::string& name,
    BackgroundList& background, const Where& at, const BuildContext& context,
    const StatScope& scope);

// Whether the filter only says that its configuration is missing.
bool isMissing(const ChainSlot& slot);

// The same plan with what has come, by place in plan.filters. `at` is the RouteConfiguration's
// place. Null when errors were reported that concern more than some scopes.
std::shared_ptr<const HcmPlan> withFilters(const HcmPlan& plan,
                                           const std::map<size_t, FoundFilter>& found,
                                           const Where& at, const BuildContext& context);

}  // namespace weir::stream
