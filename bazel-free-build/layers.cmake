# The link order of source/, lowest first. A folder may include and link itself and what stands left
# of it; folders joined by a comma do not see each other. tools/check_layers refuses the rest.
set(WEIR_LAYERS "base < match < codec < net < telemetry < overload < transport < http2 < cluster < router < stream < rpc < access_logs,load_reports < tcp < listener < config < runtime < xds < consul < live < admin < server")
