// Operators of Envoy's that need what Weir does not have yet. They are accepted, so that a
// configuration loads, print "-", and are listed by AccessLogFormat::unsupported(). A row moves to
// another table when its value exists.
#include "source/telemetry/log_operator.h"

namespace weir::telemetry {

const std::vector<LogOperatorRow>& unsupportedOperators() {
  static const std::vector<LogOperatorRow> kRows = [] {
    std::vector<LogOperatorRow> rows;
    for (std::string_view name : {
             // Filter state, expressions.
             "FILTER_STATE",
             "UPSTREAM_FILTER_STATE",
             "CUSTOM_FLAGS",
             "CEL",
             "TYPED_CEL",
             "LOCAL_REPLY_BODY",
             "FILTER_CHAIN_NAME",
             "VIRTUAL_CLUSTER_NAME",
             // Tracing.
             "TRACE_ID",
             "SPAN_ID",
             // Connections.
             "DOWNSTREAM_HANDSHAKE_DURATION",
             "UPSTREAM_CONNECTION_POOL_READY_DURATION",
             "ROUNDTRIP_DURATION",
             "UPSTREAM_CONNECTION_ID",
             "UPSTREAM_CONNECTION_IDS_ATTEMPTED",
             "UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID",
             "DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID",
             "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
             "UPSTREAM_DETECTED_CLOSE_TYPE",
             "UPSTREAM_LOCAL_CLOSE_REASON",
             "DOWNSTREAM_DETECTED_CLOSE_TYPE",
             "DOWNSTREAM_LOCAL_CLOSE_REASON",
             "DOWNSTREAM_TRANSPORT_FAILURE_REASON",
             "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
             "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
             "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
             "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
             // TLS.
             "TLS_JA3_FINGERPRINT",
             "TLS_JA4_FINGERPRINT",
         }) {
      rows.push_back({name});
    }
    return rows;
  }();
  return kRows;
}

}  // namespace weir::telemetry
