// Operators that read metadata: %DYNAMIC_METADATA(ns:key)%, %CLUSTER_METADATA(…)%,
// %METADATA(ROUTE:ns:key)%.
#include <algorithm>
#include <utility>

#include "source/telemetry/log_operator.h"

namespace weir::telemetry {
namespace {

using Source = const Metadata* StreamInfo::*;

constexpr std::pair<std::string_view, Source> kSources[] = {
    {"DYNAMIC", &StreamInfo::dynamic_metadata},
    {"ROUTE", &StreamInfo::route_metadata},
    {"VIRTUAL_HOST", &StreamInfo::virtual_host_metadata},
    {"CLUSTER", &StreamInfo::cluster_metadata},
    {"UPSTREAM_HOST", &StreamInfo::upstream_metadata},
    // Envoy knows these, so a format that names them is no mistake; they find nothing here.
    {"LISTENER", nullptr},
    {"LISTENER_FILTER_CHAIN", nullptr},
    {"VIRTUAL_CLUSTER", nullptr},
};

// "ns:key:key"; the namespace alone is all that stands in it.
LogArgs pathOf(std::string_view text, Source source) {
  LogArgs args;
  args.metadata = source;
  args.text = text.substr(0, text.find(':'));
  while (text.find(':') != text.npos) {
    text.remove_prefix(text.find(':') + 1);
    args.keys.emplace_back(text.substr(0, text.find(':')));
  }
  return args;
}

template <Source From>
Result<LogArgs> preparePath(std::string_view parameter) {
  return pathOf(parameter, From);
}

Result<LogArgs> prepareSource(std::string_view parameter) {
  const std::string_view name = parameter.substr(0, parameter.find(':'));
  parameter.remove_prefix(std::min(parameter.size(), name.size() + 1));
  for (const auto& [known, source] : kSources) {
    if (known != name) continue;
    LogArgs args = pathOf(parameter, source);
    args.supported = source != nullptr;
    return args;
  }
  return Error{
      "", "'" + std::string(name) +
              "' has no metadata, expected DYNAMIC, ROUTE, VIRTUAL_HOST, CLUSTER or UPSTREAM_HOST"};
}

LogValue metadata(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  const Metadata* from = args.metadata == nullptr ? nullptr : info.*args.metadata;
  if (from == nullptr) return LogValue::none();
  switch (from->append(scratch, args.text, args.keys)) {
    case Metadata::Found::Text:
      return LogValue::ofText(scratch);
    case Metadata::Found::Json:
      return LogValue::ofJson(scratch);
    case Metadata::Found::Nothing:
      break;
  }
  return LogValue::none();
}

}  // namespace

const std::vector<LogOperatorRow>& metadataOperators() {
  static const std::vector<LogOperatorRow> kRows = {
      {"DYNAMIC_METADATA", &metadata, &preparePath<&StreamInfo::dynamic_metadata>, true},
      {"CLUSTER_METADATA", &metadata, &preparePath<&StreamInfo::cluster_metadata>, true},
      {"UPSTREAM_METADATA", &metadata, &preparePath<&StreamInfo::upstream_metadata>, true},
      {"METADATA", &metadata, &prepareSource, true},
  };
  return kRows;
}

}  // namespace weir::telemetry
