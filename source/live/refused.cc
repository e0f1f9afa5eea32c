#include "source/live/refused.h"

#include "source/config/explain.h"
#include "source/config/honoured_fields.h"

namespace weir::live {

std::optional<std::string> parse(const xds::Resource& resource, google::protobuf::Message& into) {
  if (!into.ParseFromString(resource.body.value())) {
    return "it cannot be parsed as " + into.GetTypeName();
  }
  // Clusters, endpoints and routes look after their fields themselves.
  if (!config::HonouredFields::builtin().knows(*into.GetDescriptor())) return std::nullopt;
  Report report;
  config::reportIgnored(into, Where(report));
  if (!report.ok()) return wordsOf(report);
  return std::nullopt;
}

std::string wordsOf(const Report& report) {
  constexpr size_t kMost = 3;
  std::string words;
  size_t said = 0;
  for (const Problem& problem : report.sorted()) {
    if (problem.severity != Severity::Error) continue;
    if (said++ == kMost) break;
    words += (words.empty() ? "" : "; ") + (problem.path.empty() ? "" : problem.path + ": ") +
             problem.text;
  }
  if (report.errors() > kMost) words += "; " + std::to_string(report.errors()) + " errors in all";
  return words;
}

}  // namespace weir::live
