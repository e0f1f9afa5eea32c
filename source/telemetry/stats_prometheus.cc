#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <ostream>
#include <streambuf>
#include <unordered_set>

#include "source/telemetry/prometheus_name.h"
#include "source/telemetry/stats_page.h"

namespace weir::telemetry {
namespace {

// Lets a serializer that wants an ostream write to a sink, piece by piece.
class SinkBuffer final : public std::streambuf {
 public:
  explicit SinkBuffer(const Sink& sink) : sink_(sink) {
    setp(piece_.data(), piece_.data() + piece_.size());
  }
  ~SinkBuffer() override { sync(); }

 protected:
  int overflow(int c) override {
    sync();
    if (c != traits_type::eof()) sputc(static_cast<char>(c));
    return 0;
  }
  int sync() override {
    if (pptr() != pbase()) sink_({pbase(), static_cast<size_t>(pptr() - pbase())});
    setp(piece_.data(), piece_.data() + piece_.size());
    return 0;
  }

 private:
  const Sink& sink_;
  std::array<char, 32 * 1024> piece_;
};

struct Group {
  PrometheusName name;
  std::vector<const Metric*> metrics;
};

// Two families may meet in one name ("a.b" and "a_b"). A name may be written only once, or every
// scrape fails: those of one kind become one family, any other is left out.
std::vector<Group> merged(std::vector<Group> sorted) {
  std::vector<Group> result;
  for (Group& group : sorted) {
    if (result.empty() || result.back().name.text != group.name.text) {
      result.push_back(std::move(group));
      continue;
    }
    auto& into = result.back().metrics;
    if (into.front()->kind != group.metrics.front()->kind) continue;
    into.insert(into.end(), group.metrics.begin(), group.metrics.end());
  }
  return result;
}

// By dotted family and kind, so that names are worked out once a family.
std::vector<Group> groupByFamily(const StatStore& store, const StatsQuery& query) {
  const auto metrics = store.sorted();
  std::unordered_set<std::string_view> counters;
  for (const Metric* metric : *metrics) {
    if (metric->kind == StatKind::Counter) counters.insert(*metric->family);
  }
  const auto is_counter = [&](std::string_view family) { return counters.contains(family); };
  std::map<std::pair<const std::string*, StatKind>, Group> groups;
  for (const Metric* metric : *metrics) {
    if (!query.matches(store, *metric)) continue;
    Group& group = groups[{metric->family, metric->kind}];
    if (group.metrics.empty()) group.name = prometheusName(*metric, query.naming, is_counter);
    group.metrics.push_back(metric);
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::sort(sorted.begin(), sorted.end(),
            [](const Group& a, const Group& b) { return a.name.text < b.name.text; });
  return merged(std::move(sorted));
}

prometheus::ClientMetric::Histogram histogramOf(const HistogramSnapshot& snapshot,
                                                const Metric& metric, const PrometheusName& name) {
  prometheus::ClientMetric::Histogram histogram;
  histogram.sample_count = snapshot.count();
  histogram.sample_sum = static_cast<double>(snapshot.sum()) / name.scale;
  const double own_units = shownScale(metric.unit);
  for (double bound : kBucketBounds) {
    histogram.bucket.push_back(
        {snapshot.countUpTo(static_cast<uint64_t>(bound * own_units)), bound / name.bound_scale});
  }
  return histogram;
}

prometheus::ClientMetric sampleOf(const StatStore& store, const Metric& metric,
                                  const PrometheusName& name) {
  prometheus::ClientMetric sample;
  for (const auto& [tag, value] : *metric.tags) {
    std::string label = tag;
    std::replace(label.begin(), label.end(), '.', '_');
    sample.label.push_back({std::move(label), value});
  }
  switch (metric.kind) {
    case StatKind::Counter:
      sample.counter.value = static_cast<double>(store.value(metric));
      break;
    case StatKind::Gauge:
      sample.gauge.value = static_cast<double>(store.value(metric)) / name.scale;
      break;
    case StatKind::Histogram:
      sample.histogram = histogramOf(store.cumulative(metric), metric, name);
      break;
  }
  return sample;
}

prometheus::MetricFamily familyOf(const StatStore& store, const Group& group) {
  const Metric& first = *group.metrics.front();
  prometheus::MetricFamily family;
  family.name = group.name.text;
  switch (first.kind) {
    case StatKind::Counter:
      family.type = prometheus::MetricType::Counter;
      family.help = "Counter " + *first.family + ", since start or the last reset.";
      break;
    case StatKind::Gauge:
      family.type = prometheus::MetricType::Gauge;
      family.help = "Gauge " + *first.family + ".";
      break;
    case StatKind::Histogram:
      family.type = prometheus::MetricType::Histogram;
      family.help = "Histogram " + *first.family +
                    (group.name.bound_scale != 1                   ? " in seconds."
                     : first.unit == Histogram::Unit::Microseconds ? " in milliseconds."
                                                                   : ".");
      break;
  }
  for (const Metric* metric : group.metrics)
    family.metric.push_back(sampleOf(store, *metric, group.name));
  return family;
}

// server.version="1.2" becomes envoy_server_version{text_value="1.2"} 0, as Envoy does it.
void writeTexts(const StatStore& store, const StatsQuery& query, std::ostream& out) {
  const prometheus::TextSerializer serializer;
  for (const auto& [name, value] : store.texts()) {
    if (!query.matches(name)) continue;
    prometheus::MetricFamily family;
    family.name = sanitizedName(name);
    family.type = prometheus::MetricType::Gauge;
    family.help = "Text " + name + " in the label text_value.";
    prometheus::ClientMetric sample;
    sample.label.push_back({"text_value", value});
    family.metric.push_back(std::move(sample));
    serializer.Serialize(out, {family});
  }
}

}  // namespace

void renderStatsPrometheus(const StatStore& store, const StatsQuery& query, const Sink& sink) {
  SinkBuffer buffer(sink);
  std::ostream out(&buffer);
  const prometheus::TextSerializer serializer;
  for (const Group& group : groupByFamily(store, query)) {
    serializer.Serialize(out, {familyOf(store, group)});
  }
  if (query.text_readouts && query.wantsTexts()) writeTexts(store, query, out);
}

}  // namespace weir::telemetry
