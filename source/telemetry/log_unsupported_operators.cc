// Operators of Envoy's that need what Weir does not have yet. They are accepted, so that a
// configuration loads, print "-", and are listed by AccessLogFormat::unsupported(). A row moves to
// another table when its value exists.
#include "source/telemetry/log_operator.h"

namespace weir::telemetry {

const std::vector<LogOperatorRow>& unsupportedOperators() {
  static const std::vector<LogOperatorRow> kRows = [] {
    std::vector<LogOperatorRow> rows;
    for (std::string_view name : {
             // Metadata, filter state, expressions.
             "UPSTREAM_METADATA",
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
             "DOWNSTREAM_LOCAL_IP_SAN",
             "DOWNSTREAM_PEER_IP_SAN",
             "DOWNSTREAM_LOCAL_DNS_SAN",
             "DOWNSTREAM_PEER_DNS_SAN",
             "DOWNSTREAM_LOCAL_URI_SAN",
             "DOWNSTREAM_PEER_URI_SAN",
             "DOWNSTREAM_LOCAL_EMAIL_SAN",
             "DOWNSTREAM_PEER_EMAIL_SAN",
             "DOWNSTREAM_LOCAL_OTHERNAME_SAN",
             "DOWNSTREAM_PEER_OTHERNAME_SAN",
             "DOWNSTREAM_LOCAL_SUBJECT",
             "DOWNSTREAM_PEER_SUBJECT",
             "DOWNSTREAM_PEER_ISSUER",
             "DOWNSTREAM_TLS_SESSION_ID",
             "DOWNSTREAM_TLS_CIPHER",
             "DOWNSTREAM_TLS_GROUP",
             "DOWNSTREAM_TLS_VERSION",
             "DOWNSTREAM_PEER_FINGERPRINT_256",
             "DOWNSTREAM_PEER_FINGERPRINT_1",
             "DOWNSTREAM_PEER_SERIAL",
             "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256",
             "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1",
             "DOWNSTREAM_PEER_CHAIN_SERIALS",
             "DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256",
             "DOWNSTREAM_PEER_ISSUER_SERIAL",
             "DOWNSTREAM_PEER_CERT",
             "TLS_JA3_FINGERPRINT",
             "TLS_JA4_FINGERPRINT",
             "DOWNSTREAM_PEER_CERT_V_START",
             "DOWNSTREAM_PEER_CERT_V_END",
             "UPSTREAM_PEER_SUBJECT",
             "UPSTREAM_PEER_ISSUER",
             "UPSTREAM_TLS_SESSION_ID",
             "UPSTREAM_TLS_CIPHER",
             "UPSTREAM_TLS_GROUP",
             "UPSTREAM_TLS_VERSION",
             "UPSTREAM_SERVER_NAME",
             "UPSTREAM_PEER_CERT",
             "UPSTREAM_PEER_CERT_V_START",
             "UPSTREAM_PEER_CERT_V_END",
             "UPSTREAM_PEER_URI_SAN",
             "UPSTREAM_PEER_DNS_SAN",
             "UPSTREAM_PEER_IP_SAN",
             "UPSTREAM_LOCAL_URI_SAN",
             "UPSTREAM_LOCAL_DNS_SAN",
             "UPSTREAM_LOCAL_IP_SAN",
         }) {
      rows.push_back({name});
    }
    return rows;
  }();
  return kRows;
}

}  // namespace weir::telemetry
