#include "source/telemetry/stats_query.h"

#include <array>
#include <string_view>

namespace weir::telemetry {
namespace {

template <typename Enum, size_t N>
using Names = std::array<std::pair<std::string_view, Enum>, N>;

template <typename Enum, size_t N>
bool choose(std::string_view value, const Names<Enum, N>& names, Enum& into) {
  for (const auto& [name, meaning] : names) {
    if (name != value) continue;
    into = meaning;
    return true;
  }
  return false;
}

constexpr Names<StatsQuery::Format, 3> kFormats = {
    {{"text", StatsQuery::Format::Text},
     {"json", StatsQuery::Format::Json},
     {"prometheus", StatsQuery::Format::Prometheus}}};
constexpr Names<StatsQuery::Type, 5> kTypes = {{{"All", StatsQuery::Type::All},
                                                {"Counters", StatsQuery::Type::Counters},
                                                {"Gauges", StatsQuery::Type::Gauges},
                                                {"Histograms", StatsQuery::Type::Histograms},
                                                {"TextReadouts", StatsQuery::Type::TextReadouts}}};
constexpr Names<StatsQuery::Buckets, 4> kBuckets = {
    {{"", StatsQuery::Buckets::Summary},
     {"summary", StatsQuery::Buckets::Summary},
     {"cumulative", StatsQuery::Buckets::Cumulative},
     {"disjoint", StatsQuery::Buckets::Disjoint}}};
constexpr Names<StatsQuery::Naming, 2> kNamings = {
    {{"envoy", StatsQuery::Naming::Envoy}, {"prometheus", StatsQuery::Naming::Prometheus}}};

}  // namespace

Result<StatsQuery> StatsQuery::from(
    std::span<const std::pair<std::string, std::string>> parameters) {
  StatsQuery query;
  for (const auto& [name, value] : parameters) {
    if (name == "usedonly") {
      query.used_only = true;
    } else if (name == "invert_filter") {
      query.invert_filter = true;
    } else if (name == "text_readouts") {
      query.text_readouts = true;
    } else if (name == "format" && !choose(value, kFormats, query.format)) {
      return Error{"format", "usage: /stats?format=(json|prometheus|text)"};
    } else if (name == "type" && !choose(value, kTypes, query.type)) {
      return Error{"type", "usage: /stats?type=(All|Counters|Gauges|Histograms|TextReadouts)"};
    } else if (name == "histogram_buckets" && !choose(value, kBuckets, query.buckets)) {
      return Error{name, "usage: /stats?histogram_buckets=(cumulative|disjoint|summary)"};
    } else if (name == "naming" && !choose(value, kNamings, query.naming)) {
      return Error{"naming", "usage: /stats/prometheus?naming=(envoy|prometheus)"};
    } else if (name == "filter" && !value.empty()) {
      auto filter = std::make_shared<const RE2>(value, RE2::Quiet);
      if (!filter->ok()) return Error{"filter", "Invalid re2 regex: " + filter->error()};
      query.filter = std::move(filter);
    }
  }
  if (query.invert_filter && query.filter == nullptr) {
    return Error{"invert_filter", "invert_filter can only be used if filter is also provided"};
  }
  return query;
}

bool StatsQuery::wants(StatKind kind) const {
  switch (type) {
    case Type::All:
      return true;
    case Type::Counters:
      return kind == StatKind::Counter;
    case Type::Gauges:
      return kind == StatKind::Gauge;
    case Type::Histograms:
      return kind == StatKind::Histogram;
    case Type::TextReadouts:
      return false;
  }
  return false;
}

}  // namespace weir::telemetry
