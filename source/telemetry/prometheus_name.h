// The name under which a stat family is shown to Prometheus, and the unit that goes with it.
//
// Envoy's naming is the default, because dashboards and alerts are written against it:
// "cluster.upstream_rq" is envoy_cluster_upstream_rq. It breaks Prometheus' own rules (counters
// without _total, gauges with it, milliseconds), which `promtool check metrics` reports. The other
// naming bends exactly what breaks them: envoy_cluster_upstream_rq_by_response_code_total,
// envoy_cluster_membership, envoy_cluster_upstream_cx_connect_seconds. Families below "weir." are
// ours and follow the rules already; they carry no "envoy_".
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "source/telemetry/stats_query.h"

namespace weir::telemetry {

struct PrometheusName {
  std::string text;
  double scale = 1;        // own units in one shown unit
  double bound_scale = 1;  // shown bucket bound = kBucketBounds entry / bound_scale
};

// "envoy_" and the family with every character outside [A-Za-z0-9_] replaced by "_".
std::string sanitizedName(std::string_view family);

// `isCounter` tells whether a counter family of that dotted name exists: a new name must not take
// it.
PrometheusName prometheusName(const Metric& metric, StatsQuery::Naming naming,
                              const std::function<bool(std::string_view)>& isCounter);

}  // namespace weir::telemetry
