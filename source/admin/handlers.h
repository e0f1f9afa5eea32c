// Every endpoint's handler, by the file it is in. Called by the table in endpoints.cc only.
#pragma once

#include "source/admin/endpoints.h"

namespace weir::admin {

// index_page.cc
Response homePage(const Request& request, AdminSource& source);
Response helpPage(const Request& request, AdminSource& source);
std::string helpText();

// server_endpoints.cc
Response ready(const Request& request, AdminSource& source);
Response live(const Request& request, AdminSource& source);
Response serverInfo(const Request& request, AdminSource& source);
Response listeners(const Request& request, AdminSource& source);
Response certificates(const Request& request, AdminSource& source);
Response memory(const Request& request, AdminSource& source);
Response initDump(const Request& request, AdminSource& source);
Response hotRestartVersion(const Request& request, AdminSource& source);
Response decisions(const Request& request, AdminSource& source);

// stats_endpoints.cc
Response stats(const Request& request, AdminSource& source);
Response prometheusStats(const Request& request, AdminSource& source);
Response metrics(const Request& request, AdminSource& source);
Response resetCounters(const Request& request, AdminSource& source);

// clusters_endpoint.cc
Response clusters(const Request& request, AdminSource& source);

// client_status.cc
Response clientStatus(const Request& request, AdminSource& source);

// config_dump.cc
Response configDump(const Request& request, AdminSource& source);

// runtime_endpoints.cc
Response runtime(const Request& request, AdminSource& source);
Response modifyRuntime(const Request& request, AdminSource& source);

// logging_endpoint.cc
Response logging(const Request& request, AdminSource& source);

// actions.cc
Response failHealthChecks(const Request& request, AdminSource& source);
Response passHealthChecks(const Request& request, AdminSource& source);
Response drainListeners(const Request& request, AdminSource& source);
Response reopenLogs(const Request& request, AdminSource& source);
Response quit(const Request& request, AdminSource& source);

}  // namespace weir::admin
