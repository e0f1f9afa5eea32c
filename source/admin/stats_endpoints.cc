#include "source/admin/handlers.h"
#include "source/telemetry/stats_page.h"
#include "source/telemetry/stats_query.h"

namespace weir::admin {
namespace {

using telemetry::StatsQuery;

// Prometheus 3 wants to be told the format's version.
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";

Response page(const Parameters& parameters, AdminSource& source, std::string_view exposition) {
  auto query = StatsQuery::from(parameters);
  if (!query) return refused(400, query.error().text + "\n");
  source.refreshStats();
  Response response;
  if (query->format == StatsQuery::Format::Json) response.content_type = kJson;
  if (query->format == StatsQuery::Format::Prometheus) response.content_type = exposition;
  response.page = [&store = source.stats(), query = *std::move(query)](const Sink& sink) {
    telemetry::renderStats(store, query, sink);
  };
  return response;
}

}  // namespace

Response stats(const Request& request, AdminSource& source) {
  return page(request.parameters, source, kText);
}

Response prometheusStats(const Request& request, AdminSource& source) {
  Parameters parameters = request.parameters;
  parameters.emplace_back("format", "prometheus");
  return page(parameters, source, kText);
}

Response metrics(const Request& request, AdminSource& source) {
  Parameters parameters{{"naming", "prometheus"}};
  parameters.insert(parameters.end(), request.parameters.begin(), request.parameters.end());
  parameters.emplace_back("format", "prometheus");
  return page(parameters, source, kExposition);
}

Response resetCounters(const Request&, AdminSource& source) {
  source.stats().resetCounters();
  return ok();
}

}  // namespace weir::admin
