// A StatsQuery says which stats a reader wants and in which shape: the parameters of the admin
// interface's /stats, with Envoy's names and error texts.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "source/telemetry/stat_store.h"
#include "weir/result.h"

namespace weir::telemetry {

struct StatsQuery {
  enum class Format : uint8_t { Text, Json, Prometheus };
  enum class Type : uint8_t { All, Counters, Gauges, Histograms, TextReadouts };
  enum class Buckets : uint8_t { Summary, Cumulative, Disjoint };
  // Envoy's names as they are, or bent to Prometheus' rules (`_total`, seconds): see
  // prometheus_name.h.
  enum class Naming : uint8_t { Envoy, Prometheus };

  Format format = Format::Text;
  Type type = Type::All;
  Buckets buckets = Buckets::Summary;
  Naming naming = Naming::Envoy;
  bool used_only = false;
  bool text_readouts = false;         // Prometheus only: also as gauges with a text_value label
  std::shared_ptr<const RE2> filter;  // matches anywhere in the dotted name; null: all
  bool invert_filter = false;         // all but what the filter matches

  // From decoded query parameters; unknown ones are ignored, as Envoy does.
  static Result<StatsQuery> from(std::span<const std::pair<std::string, std::string>> parameters);

  bool wants(StatKind kind) const;
  bool wantsTexts() const { return type == Type::All || type == Type::TextReadouts; }
  bool matches(std::string_view name) const {
    return filter == nullptr || RE2::PartialMatch(name, *filter) != invert_filter;
  }
  bool matches(const StatStore& store, const Metric& metric) const {
    return wants(metric.kind) && matches(metric.name) && (!used_only || store.isUsed(metric));
  }
};

}  // namespace weir::telemetry
