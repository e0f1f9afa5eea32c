// The pages of the admin interface's /stats, in Envoy's formats. Each reads the store and streams
// the page to the sink in pieces; nothing is kept. Any thread but a worker: a page over a million
// stats takes seconds, but stops nobody.
#pragma once

#include "source/telemetry/page.h"
#include "source/telemetry/stats_query.h"

namespace weir::telemetry {

// By query.format.
void renderStats(const StatStore& store, const StatsQuery& query, const Sink& sink);

void renderStatsText(const StatStore& store, const StatsQuery& query, const Sink& sink);
void renderStatsJson(const StatStore& store, const StatsQuery& query, const Sink& sink);
// Exposition format 0.0.4, written by prometheus-cpp's serializer, family by family.
void renderStatsPrometheus(const StatStore& store, const StatsQuery& query, const Sink& sink);

}  // namespace weir::telemetry
