// A Config is what the proxy in a test is configured with, and a Proxy is what that becomes: the
// plan of an HttpConnectionManager built by the code that builds real ones, with its statistics and
// clusters. The filters of this build are known. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/cluster/cluster.h"
#include "source/stream/hcm_plan.h"
#include "source/telemetry/log_thread.h"
#include "source/telemetry/stat_store.h"
#include "weir/filter_registry.h"
#include "weir/report.h"
#include "weir/runtime.h"

namespace weir::test {

// The names of what is configured: filters are "filter", "filter2", …; statistics have the prefix
// "http.test."; the one virtual host is "all", its one route goes to the cluster "origin".
struct Config {
  // Each is YAML, indented as its writer likes.
  std::vector<std::string> filters;  // the typed_config of each, "@type" included
  std::string route;                 // typed_per_filter_config of the first filter on the route,
  std::string virtual_host;          // … the virtual host,
  std::string table;                 // … the route table
  std::string routes;                // a list that replaces the one route
  std::string virtual_host_fields;   // more fields of the virtual host
  std::string hcm;                   // more fields of the HttpConnectionManager
  std::vector<std::string> clusters{"origin"};
  std::vector<void (*)(FilterRegistry&)> more_filters;  // that are not of the build

  Config& then(std::string_view filter) { return filters.emplace_back(filter), *this; }
  Config& onRoute(std::string_view yaml) { return route = yaml, *this; }
  Config& onVirtualHost(std::string_view yaml) { return virtual_host = yaml, *this; }
  Config& onTable(std::string_view yaml) { return table = yaml, *this; }
  Config& withRoutes(std::string_view yaml) { return routes = yaml, *this; }
  Config& withHcm(std::string_view yaml) { return hcm = yaml, *this; }
  Config& cluster(std::string_view name) { return clusters.emplace_back(name), *this; }

  Config& knowing(void (*install)(FilterRegistry&)) {
    return more_filters.push_back(install), *this;
  }

  std::string yaml() const;  // the whole HttpConnectionManager
};

// A proxy with this one filter in front of the router.
Config filter(std::string_view typed_config);
// One with the router only.
Config noFilter();

class Proxy {
 public:
  // `plan` is null when the report has errors.
  explicit Proxy(const Config& config);
  // What the runtime says of a key; nothing before.
  RuntimeCell& runtime(std::string_view key);

  StatStore stats;
  std::map<std::string, std::shared_ptr<RuntimeCell>, std::less<>> cells;
  telemetry::LogThread logs{StatScope(stats)};
  Report report;
  std::vector<cluster::ClusterPtr> clusters;  // by slot; null: removed
  FilterRegistry registry;                    // the plan points into it
  std::shared_ptr<const stream::HcmPlan> plan;
};

struct Refusal {
  std::string field;  // below the filter's own configuration
  std::string text;
};

// The first thing that is wrong; empty when nothing is.
Refusal refusal(const Config& config);
Refusal refusal(std::string_view typed_config);
// "field: text" of each warning.
std::vector<std::string> warnings(const Config& config);

}  // namespace weir::test
