#include "source/telemetry/stats_page.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

// " P0(interval,cumulative) P25(…) …"
void appendQuantiles(std::string& to, const HistogramSnapshot& interval,
                     const HistogramSnapshot& cumulative, double scale) {
  for (double q : kQuantiles) {
    to.append(" P");
    appendRounded(to, q * 100);
    to.push_back('(');
    appendRounded(to, interval.quantile(q) / scale);
    to.push_back(',');
    appendRounded(to, cumulative.quantile(q) / scale);
    to.push_back(')');
  }
}

// " B0.5(interval,cumulative) B1(…) …"
void appendBuckets(std::string& to, const HistogramSnapshot& interval,
                   const HistogramSnapshot& cumulative, double scale, bool disjoint) {
  uint64_t interval_below = 0;
  uint64_t cumulative_below = 0;
  for (double bound : kBucketBounds) {
    const uint64_t in_interval = interval.countUpTo(static_cast<uint64_t>(bound * scale));
    const uint64_t in_all = cumulative.countUpTo(static_cast<uint64_t>(bound * scale));
    to.append(" B");
    appendGeneral(to, bound);
    to.push_back('(');
    appendNumber(to, in_interval - interval_below);
    to.push_back(',');
    appendNumber(to, in_all - cumulative_below);
    to.push_back(')');
    if (disjoint) interval_below = in_interval;
    if (disjoint) cumulative_below = in_all;
  }
}

void appendHistogram(std::string& to, const StatStore& store, const Metric& metric,
                     StatsQuery::Buckets buckets) {
  const HistogramSnapshot cumulative = store.cumulative(metric);
  const HistogramSnapshot interval = store.interval(metric);
  const double scale = shownScale(metric.unit);
  to.append(metric.name).push_back(':');
  if (buckets != StatsQuery::Buckets::Summary) {
    appendBuckets(to, interval, cumulative, scale, buckets == StatsQuery::Buckets::Disjoint);
  } else if (cumulative.empty()) {
    to.append(" No recorded values");
  } else {
    appendQuantiles(to, interval, cumulative, scale);
  }
  to.push_back('\n');
}

}  // namespace

void renderStatsText(const StatStore& store, const StatsQuery& query, const Sink& sink) {
  Page page(sink);
  if (query.wantsTexts()) {
    for (const auto& [name, value] : store.texts()) {
      if (!query.matches(name)) continue;
      page.text().append(name).append(": \"").append(value).append("\"\n");
      page.settle();
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
    page.text().append(metric->name).append(": ");
    appendNumber(page.text(), store.value(*metric));
    page.append("\n");
  }
  for (const Metric* metric : histograms) {
    appendHistogram(page.text(), store, *metric, query.buckets);
    page.settle();
  }
}

void renderStats(const StatStore& store, const StatsQuery& query, const Sink& sink) {
  switch (query.format) {
    case StatsQuery::Format::Text:
      return renderStatsText(store, query, sink);
    case StatsQuery::Format::Json:
      return renderStatsJson(store, query, sink);
    case StatsQuery::Format::Prometheus:
      return renderStatsPrometheus(store, query, sink);
  }
}

}  // namespace weir::telemetry
