#include "source/telemetry/prometheus_name.h"

namespace weir::telemetry {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr std::string_view kSeconds = "_seconds";

void dropSuffix(std::string& text, std::string_view suffix) {
  if (text.ends_with(suffix)) text.resize(text.size() - suffix.size());
}

// The name of a counter whose own name does not end in _total.
std::string counterName(const Metric& metric, std::string name,
                        const std::function<bool(std::string_view)>& isCounter) {
  if (isCounter(*metric.family + std::string(kTotal)) && !metric.tags->empty()) {
    std::string tag = sanitizedName(metric.tags->back().first);
    while (tag.starts_with("envoy_")) tag.erase(0, 6);
    name.append("_by_").append(tag);
  }
  return name.append(kTotal);
}

// A gauge may not end in what Prometheus keeps for other kinds, and time is in seconds.
void bendGauge(PrometheusName& name) {
  for (std::string_view reserved : {kTotal, std::string_view("_count"), std::string_view("_sum")}) {
    dropSuffix(name.text, reserved);
  }
  if (!name.text.ends_with("_ms")) return;
  dropSuffix(name.text, "_ms");
  name.text.append(kSeconds);
  name.scale = 1000;
}

}  // namespace

std::string sanitizedName(std::string_view family) {
  const bool ours = family.starts_with("weir.");
  std::string name(ours ? "" : "envoy_");
  name.append(family);
  for (char& c : name) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!allowed) c = '_';
  }
  return name;
}

PrometheusName prometheusName(const Metric& metric, StatsQuery::Naming naming,
                              const std::function<bool(std::string_view)>& isCounter) {
  PrometheusName name{sanitizedName(*metric.family)};
  const bool is_time = metric.unit == Histogram::Unit::Microseconds;
  const bool bend = naming == StatsQuery::Naming::Prometheus;
  if (metric.kind == StatKind::Histogram) {
    if (bend && is_time) {
      dropSuffix(name.text, "_ms");
      if (!name.text.ends_with(kSeconds)) name.text.append(kSeconds);
    }
    const bool seconds = is_time && name.text.ends_with(kSeconds);
    name.bound_scale = seconds ? 1000 : 1;
    name.scale = shownScale(metric.unit) * name.bound_scale;
  } else if (bend && metric.kind == StatKind::Counter) {
    if (!name.text.ends_with(kTotal))
      name.text = counterName(metric, std::move(name.text), isCounter);
  } else if (bend) {
    bendGauge(name);
  }
  return name;
}

}  // namespace weir::telemetry
