#include "source/admin/endpoints.h"

#include <array>

#include "source/admin/handlers.h"

namespace weir::admin {
namespace {

constexpr std::array kClusterParameters = {
    Parameter{"filter", "Regular expression (Google re2) for filtering clusters by name"},
    Parameter{"format", "Format to use", "text, json"},
};
constexpr std::array kConfigDumpParameters = {
    Parameter{"resource", "The resource to dump, such as static_clusters or bootstrap"},
    Parameter{"mask",
              "Comma separated field paths; only these are shown. With resource, they are paths of "
              "every element"},
    Parameter{"name_regex", "Dump only the configurations whose names match"},
    Parameter{"include_eds", "Dump the endpoints, too", {}, true},
};
constexpr std::array kDecisionParameters = {
    Parameter{"n", "How many; 20 unless told"},
};
constexpr std::array kDrainParameters = {
    Parameter{
        "graceful", "Go on listening for the drain time while telling clients to leave", {}, true},
    Parameter{"skip_exit", "Tell clients to leave, but never stop listening", {}, true},
    Parameter{"inboundonly", "Only listeners whose traffic_direction is INBOUND", {}, true},
};
constexpr std::array kInitDumpParameters = {
    Parameter{"mask", "Only what waits with this word in its name, such as listener"},
};
constexpr std::array kFormatParameters = {Parameter{"format", "Format to use", "text, json"}};
constexpr std::array kLoggingParameters = {
    Parameter{"paths", "Change several: <logger>:<level>,<logger>:<level>"},
    Parameter{"level", "Change all", ", trace, debug, info, warning, error, critical, off"},
};
constexpr std::array kStatsParameters = {
    Parameter{"usedonly", "Only stats that were written since the start", {}, true},
    Parameter{"filter", "Regular expression (Google re2) for filtering stats"},
    Parameter{"invert_filter", "Leave out what the filter matches", {}, true},
    Parameter{"format", "Format to use", "text, json, prometheus"},
    Parameter{"type", "Stat types to include", "All, Counters, Histograms, Gauges, TextReadouts"},
    Parameter{"histogram_buckets", "How histograms are shown", "summary, cumulative, disjoint"},
};
constexpr std::array kPrometheusParameters = {
    Parameter{"usedonly", "Only stats that were written since the start", {}, true},
    Parameter{"text_readouts", "Render text readouts as gauges with value 0", {}, true},
    Parameter{"filter", "Regular expression (Google re2) for filtering stats"},
    Parameter{"invert_filter", "Leave out what the filter matches", {}, true},
    Parameter{"naming", "Envoy's names, or bent to Prometheus' rules", "envoy, prometheus"},
};

constexpr std::array kEndpoints = {
    Endpoint{"/", homePage, false, "Admin home page"},
    Endpoint{"/certs", certificates, false, "print certs on machine"},
    Endpoint{"/clusters", clusters, false, "upstream cluster status", kClusterParameters},
    Endpoint{"/config_dump", configDump, false, "dump current configuration, without secrets",
             kConfigDumpParameters},
    Endpoint{"/decisions", decisions, false,
             "the newest decision records: what was done with a "
             "request, and why",
             kDecisionParameters},
    Endpoint{"/drain_listeners", drainListeners, true, "drain listeners", kDrainParameters},
    Endpoint{"/healthcheck/fail", failHealthChecks, true, "cause the server to fail health checks"},
    Endpoint{"/healthcheck/ok", passHealthChecks, true, "cause the server to pass health checks"},
    Endpoint{"/help", helpPage, false, "print out list of admin commands"},
    Endpoint{"/hot_restart_version", hotRestartVersion, false,
             "print the hot restart compatibility version"},
    Endpoint{"/init_dump", initDump, false, "print what start-up still waits for",
             kInitDumpParameters},
    Endpoint{"/listeners", listeners, false, "print listener info", kFormatParameters},
    Endpoint{"/livez", live, false, "return 200 as long as the process answers"},
    Endpoint{"/logging", logging, true, "query/change logging levels", kLoggingParameters},
    Endpoint{"/memory", memory, false, "print current allocation/heap usage"},
    Endpoint{"/metrics", metrics, false,
             "print server stats for Prometheus, with names that follow its rules",
             kPrometheusParameters},
    Endpoint{"/quitquitquit", quit, true, "exit the server"},
    Endpoint{"/ready", ready, false,
             "print server state, return 200 if LIVE, otherwise return 503; with ?verbose what is "
             "stale, and what is waited for"},
    Endpoint{"/readyz", ready, false, "the same as /ready"},
    Endpoint{"/reopen_logs", reopenLogs, true, "reopen access logs"},
    Endpoint{"/reset_counters", resetCounters, true, "reset all counters to zero"},
    Endpoint{"/runtime", runtime, false, "print runtime values"},
    Endpoint{"/runtime_modify", modifyRuntime, true,
             "add or modify runtime values: ?key1=value1&key2=value2; an empty value removes"},
    Endpoint{"/server_info", serverInfo, false, "print server version/status information"},
    Endpoint{"/stats", stats, false, "print server stats", kStatsParameters},
    Endpoint{"/stats/prometheus", prometheusStats, false, "print server stats in prometheus format",
             kPrometheusParameters},
    Endpoint{"/v3/discovery:client_status", clientStatus, false,
             "print what became of every resource of a control plane (CSDS); a ClientStatusRequest "
             "may be sent along"},
};

}  // namespace

std::span<const Endpoint> endpoints() { return kEndpoints; }

Response answer(const Request& request, AdminSource& source) {
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != request.path) continue;
    if (endpoint.mutates && request.method != "POST") {
      return refused(405, "Method " + request.method + " not allowed, POST required.");
    }
    return endpoint.handler(request, source);
  }
  return refused(404, "invalid path. " + helpText());
}

}  // namespace weir::admin
