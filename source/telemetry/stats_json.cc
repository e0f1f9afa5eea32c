#include <cmath>

#include "source/telemetry/json_text.h"
#include "source/telemetry/stats_page.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

// Writes the commas between the entries of one list.
class Separator {
 public:
  std::string_view next() { return std::exchange(first_, false) ? "" : ","; }

 private:
  bool first_ = true;
};

void appendValue(std::string& to, double value) {
  if (std::isnan(value)) {
    to.append("null");
  } else {
    appendRounded(to, value);
  }
}

// {"name":…,"values":[{"cumulative":…,"interval":…},…]}
void appendQuantiles(std::string& to, const StatStore& store, const Metric& metric) {
  const HistogramSnapshot cumulative = store.cumulative(metric);
  const HistogramSnapshot interval = store.interval(metric);
  const double scale = shownScale(metric.unit);
  to.append("{\"name\":");
  appendJsonString(to, metric.name);
  to.append(",\"values\":[");
  Separator values;
  for (double q : kQuantiles) {
    to.append(values.next()).append("{\"cumulative\":");
    appendValue(to, cumulative.quantile(q) / scale);
    to.append(",\"interval\":");
    appendValue(to, interval.quantile(q) / scale);
    to.push_back('}');
  }
  to.append("]}");
}

// {"name":…,"buckets":[{"upper_bound":…,"interval":…,"cumulative":…},…]}
void appendBuckets(std::string& to, const StatStore& store, const Metric& metric, bool disjoint) {
  const HistogramSnapshot cumulative = store.cumulative(metric);
  const HistogramSnapshot interval = store.interval(metric);
  const double scale = shownScale(metric.unit);
  uint64_t interval_below = 0;
  uint64_t cumulative_below = 0;
  to.append("{\"name\":");
  appendJsonString(to, metric.name);
  to.append(",\"buckets\":[");
  Separator buckets;
  for (double bound : kBucketBounds) {
    const uint64_t in_interval = interval.countUpTo(static_cast<uint64_t>(bound * scale));
    const uint64_t in_all = cumulative.countUpTo(static_cast<uint64_t>(bound * scale));
    to.append(buckets.next()).append("{\"upper_bound\":");
    appendRounded(to, bound);
    to.append(",\"interval\":");
    appendNumber(to, in_interval - interval_below);
    to.append(",\"cumulative\":");
    appendNumber(to, in_all - cumulative_below);
    to.push_back('}');
    if (disjoint) interval_below = in_interval;
    if (disjoint) cumulative_below = in_all;
  }
  to.append("]}");
}

void appendHistograms(Page& page, const StatStore& store, const StatsQuery& query,
                      const std::vector<const Metric*>& histograms) {
  Separator items;
  if (query.buckets != StatsQuery::Buckets::Summary) {
    page.append("{\"histograms\":[");
    for (const Metric* metric : histograms) {
      page.append(items.next());
      appendBuckets(page.text(), store, *metric, query.buckets == StatsQuery::Buckets::Disjoint);
      page.settle();
    }
    page.append("]}");
    return;
  }
  page.append("{\"histograms\":{\"supported_quantiles\":[");
  Separator quantiles;
  for (double q : kQuantiles) {
    page.append(quantiles.next());
    appendRounded(page.text(), q * 100);
  }
  page.append("],\"computed_quantiles\":[");
  for (const Metric* metric : histograms) {
    page.append(items.next());
    appendQuantiles(page.text(), store, *metric);
    page.settle();
  }
  page.append("]}}");
}

}  // namespace

void renderStatsJson(const StatStore& store, const StatsQuery& query, const Sink& sink) {
  Page page(sink);
  Separator items;
  page.append("{\"stats\":[");
  const auto begin = [&](std::string_view name) {
    page.text().append(items.next()).append("{\"name\":");
    appendJsonString(page.text(), name);
    page.text().append(",\"value\":");
  };
  if (query.wantsTexts()) {
    for (const auto& [name, value] : store.texts()) {
      if (!query.matches(name)) continue;
      begin(name);
      appendJsonString(page.text(), value);
      page.append("}");
    }
  }
  std::vector<const Metric*> histograms;
  const auto metrics = store.sorted();
  for (const Metric* metric : *metrics) {
    if (!query.matches(store, *metric)) continue;
    if (metric->kind == StatKind::Histogram) {
      histograms.push_back(metric);
      continue;
    }
    begin(metric->name);
    appendNumber(page.text(), store.value(*metric));
    page.append("}");
  }
  if (!histograms.empty()) {
    page.append(items.next());
    appendHistograms(page, store, query, histograms);
  }
  page.append("]}");
}

}  // namespace weir::telemetry
