#include "source/telemetry/stat_store.h"

#include <algorithm>
#include <array>

namespace weir {

using telemetry::HistogramSnapshot;

StatStore::StatStore(uint32_t max_cells) : max_cells_(max_cells) {
  overflow_ = counter("stats.overflow", "stats.overflow", {});
  sorted_ = std::make_shared<const MetricList>();
}

uint32_t StatStore::takeCells(StatKind kind) {
  const uint32_t count = kind == StatKind::Histogram ? Histogram::kCells : 1;
  if (count > max_cells_ - cells_taken_) return 0;
  const uint32_t first = telemetry::takeCells(count);
  if (first != 0) cells_taken_ += count;
  return first;
}

const Metric& StatStore::metricOf(StatKind kind, std::string_view name, std::string_view family,
                                  const StatTags& tags, Histogram::Unit unit) {
  static const Metric kNowhere("", nullptr, nullptr, StatKind::Counter);
  std::lock_guard lock(mutex_);
  auto& names = by_name_[static_cast<size_t>(kind)];
  if (auto found = names.find(name); found != names.end()) return *found->second;
  const uint32_t cell = takeCells(kind);
  if (cell == 0) {
    overflow_.add();
    return kNowhere;
  }
  auto shared_family = families_.find(family);
  if (shared_family == families_.end()) shared_family = families_.emplace(family).first;
  Metric& made = metrics_.emplace_back(name, &*shared_family, &*tag_sets_.insert(tags).first, kind);
  made.unit = unit;
  made.cell = cell;
  names.emplace(made.name, &made);
  return made;
}

Counter StatStore::counter(std::string_view name, std::string_view family, const StatTags& tags) {
  return Counter(metricOf(StatKind::Counter, name, family, tags, Histogram::Unit::None).cell);
}

Gauge StatStore::gauge(std::string_view name, std::string_view family, const StatTags& tags) {
  return Gauge(metricOf(StatKind::Gauge, name, family, tags, Histogram::Unit::None).cell);
}

Histogram StatStore::histogram(std::string_view name, std::string_view family, const StatTags& tags,
                               Histogram::Unit unit) {
  const uint32_t cell = metricOf(StatKind::Histogram, name, family, tags, unit).cell;
  return cell == 0 ? Histogram() : Histogram(cell);
}

void StatStore::setText(std::string_view name, std::string_view value) {
  std::lock_guard lock(mutex_);
  texts_.insert_or_assign(std::string(name), std::string(value));
}

uint64_t StatStore::value(const Metric& metric) const {
  const uint64_t sum = telemetry::sumCell(metric.cell);
  if (metric.kind == StatKind::Counter) return sum - metric.base.load(std::memory_order_relaxed);
  return static_cast<int64_t>(sum) < 0 ? 0 : sum;
}

std::optional<uint64_t> StatStore::value(std::string_view name) const {
  const Metric* metric = nullptr;
  {
    std::lock_guard lock(mutex_);
    for (StatKind kind : {StatKind::Counter, StatKind::Gauge}) {
      const auto& names = by_name_[static_cast<size_t>(kind)];
      if (auto found = names.find(name); found != names.end()) metric = found->second;
    }
  }
  if (metric == nullptr) return std::nullopt;
  return value(*metric);
}

bool StatStore::isUsed(const Metric& metric) const {
  if (metric.kind != StatKind::Histogram) return telemetry::isTouched(metric.cell);
  return telemetry::isTouched(metric.cell + Histogram::kBuckets) ||
         telemetry::isTouched(metric.cell);
}

HistogramSnapshot StatStore::cumulative(const Metric& metric) const {
  std::array<uint64_t, Histogram::kCells> cells{};
  if (!isUsed(metric)) return {};
  telemetry::sumCells(metric.cell, cells);
  return HistogramSnapshot(cells);
}

HistogramSnapshot StatStore::interval(const Metric& metric) const {
  std::lock_guard lock(interval_mutex_);
  auto found = intervals_.find(metric.cell);
  return found == intervals_.end() ? HistogramSnapshot() : found->second.last;
}

void StatStore::flushInterval() {
  std::vector<const Metric*> histograms;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, metric] : by_name_[static_cast<size_t>(StatKind::Histogram)]) {
      histograms.push_back(metric);
    }
  }
  for (const Metric* metric : histograms) {
    HistogramSnapshot now = cumulative(*metric);
    if (now.empty()) continue;
    std::lock_guard lock(interval_mutex_);
    Interval& interval = intervals_[metric->cell];
    interval.last = now.since(interval.at_flush);
    interval.at_flush = std::move(now);
  }
}

void StatStore::resetCounters() {
  for (const auto list = sorted(); const Metric* metric : *list) {
    if (metric->kind != StatKind::Counter) continue;
    metric->base.store(telemetry::sumCell(metric->cell), std::memory_order_relaxed);
  }
}

std::shared_ptr<const StatStore::MetricList> StatStore::sorted() const {
  std::lock_guard lock(mutex_);
  const size_t known = sorted_->size();
  if (known == metrics_.size()) return sorted_;
  const auto by_name = [](const Metric* a, const Metric* b) { return a->name < b->name; };
  auto list = std::make_shared<MetricList>(*sorted_);
  for (size_t i = known; i < metrics_.size(); ++i) list->push_back(&metrics_[i]);
  const auto middle = list->begin() + static_cast<ptrdiff_t>(known);
  std::sort(middle, list->end(), by_name);
  std::inplace_merge(list->begin(), middle, list->end(), by_name);
  sorted_ = list;
  return sorted_;
}

std::map<std::string, std::string, std::less<>> StatStore::texts() const {
  std::lock_guard lock(mutex_);
  return texts_;
}

}  // namespace weir
