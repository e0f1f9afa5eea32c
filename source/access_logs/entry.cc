#include "source/access_logs/entry.h"

#include <array>
#include <charconv>

#include "source/access_logs/entry_text.h"
#include "source/access_logs/entry_tls.h"

namespace weir::access_logs {
namespace {

namespace v3 = envoy::data::accesslog::v3;
namespace core = envoy::config::core::v3;

using Properties = v3::AccessLogCommon;

void setAddress(std::string_view ip, uint16_t port, core::Address& to) {
  if (ip.front() == '/' || ip.front() == '@') {
    to.mutable_pipe()->set_path(entryText(ip));
    return;
  }
  to.mutable_socket_address()->set_address(std::string(ip));
  to.mutable_socket_address()->set_port_value(port);
}

// "1.2.3.4:80", "[::1]:80", or a path.
void setAddress(std::string_view text, core::Address& to) {
  const size_t colon = text.rfind(':');
  if (text.front() == '/' || text.front() == '@' || colon == text.npos) {
    return setAddress(text, 0, to);
  }
  uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  std::string_view ip = text.substr(0, colon);
  if (ip.size() > 2 && ip.front() == '[') ip = ip.substr(1, ip.size() - 2);
  setAddress(ip, port, to);
}

void setAddresses(const StreamInfo& info, Properties& to) {
  const auto peer = [](const Peer& from, auto make) {
    if (!from.ip.empty()) setAddress(from.ip, from.port, *make());
  };
  peer(info.remote, [&] { return to.mutable_downstream_remote_address(); });
  peer(info.direct_remote, [&] { return to.mutable_downstream_direct_remote_address(); });
  peer(info.local, [&] { return to.mutable_downstream_local_address(); });
  if (!info.upstream_host.empty()) {
    setAddress(info.upstream_host, *to.mutable_upstream_remote_address());
  }
  if (!info.upstream_local.empty()) {
    setAddress(info.upstream_local, *to.mutable_upstream_local_address());
  }
}

template <typename Proto>
void setNanos(std::chrono::nanoseconds time, Proto& to) {
  to.set_seconds(time.count() / 1'000'000'000);
  to.set_nanos(static_cast<int32_t>(time.count() % 1'000'000'000));
}

void setTimes(const StreamInfo& info, Properties& to) {
  using std::chrono::nanoseconds;
  if (info.start_wall != WallTime{}) {
    setNanos(std::chrono::duration_cast<nanoseconds>(info.start_wall.time_since_epoch()),
             *to.mutable_start_time());
  }
  const auto since = [&](SteadyTime moment, auto make) {
    if (moment == SteadyTime{} || info.start == SteadyTime{}) return;
    setNanos(std::chrono::duration_cast<nanoseconds>(moment - info.start), *make());
  };
  since(info.last_downstream_rx, [&] { return to.mutable_time_to_last_rx_byte(); });
  since(info.first_upstream_tx, [&] { return to.mutable_time_to_first_upstream_tx_byte(); });
  since(info.last_upstream_tx, [&] { return to.mutable_time_to_last_upstream_tx_byte(); });
  since(info.first_upstream_rx, [&] { return to.mutable_time_to_first_upstream_rx_byte(); });
  since(info.last_upstream_rx, [&] { return to.mutable_time_to_last_upstream_rx_byte(); });
  since(info.first_downstream_tx, [&] { return to.mutable_time_to_first_downstream_tx_byte(); });
  since(info.last_downstream_tx, [&] { return to.mutable_time_to_last_downstream_tx_byte(); });
  since(info.end, [&] { return to.mutable_duration(); });
}

// In the order of ResponseFlag. UnauthorizedExternalService has a message, the two of drop_overload
// have no field.
using SetFlag = void (v3::ResponseFlags::*)(bool);
using Flags = v3::ResponseFlags;
constexpr std::array<SetFlag, static_cast<size_t>(ResponseFlag::kCount)> kFlags = {
    &Flags::set_failed_local_healthcheck,
    &Flags::set_no_healthy_upstream,
    &Flags::set_upstream_request_timeout,
    &Flags::set_local_reset,
    &Flags::set_upstream_remote_reset,
    &Flags::set_upstream_connection_failure,
    &Flags::set_upstream_connection_termination,
    &Flags::set_upstream_overflow,
    &Flags::set_no_route_found,
    &Flags::set_delay_injected,
    &Flags::set_fault_injected,
    &Flags::set_rate_limited,
    nullptr,
    &Flags::set_rate_limit_service_error,
    &Flags::set_downstream_connection_termination,
    &Flags::set_upstream_retry_limit_exceeded,
    &Flags::set_stream_idle_timeout,
    &Flags::set_invalid_envoy_request_headers,
    &Flags::set_downstream_protocol_error,
    &Flags::set_upstream_max_stream_duration_reached,
    &Flags::set_response_from_cache_filter,
    &Flags::set_no_filter_config_found,
    &Flags::set_duration_timeout,
    &Flags::set_upstream_protocol_error,
    &Flags::set_no_cluster_found,
    &Flags::set_overload_manager,
    &Flags::set_dns_resolution_failure,
    nullptr,
    &Flags::set_downstream_remote_reset,
    nullptr,
};

void setFlags(ResponseFlags flags, Properties& to) {
  if (!flags.any()) return;
  v3::ResponseFlags& all = *to.mutable_response_flags();
  for (size_t i = 0; i < kFlags.size(); ++i) {
    if (kFlags[i] != nullptr && flags.has(static_cast<ResponseFlag>(i))) (all.*kFlags[i])(true);
  }
  if (flags.has(ResponseFlag::UnauthorizedExternalService)) {
    all.mutable_unauthorized_details()->set_reason(
        v3::ResponseFlags::Unauthorized::EXTERNAL_SERVICE);
  }
}

// A timeout, a cancellation or the end of one stream is no failure of the transport.
bool isOfTransport(FailureKind kind) {
  return kind != FailureKind::Timeout && kind != FailureKind::Cancelled &&
         kind != FailureKind::StreamReset && kind != FailureKind::StreamRefused;
}

void setCommon(const StreamInfo& info, const CustomTags& tags, Properties& to) {
  setAddresses(info, to);
  setTimes(info, to);
  setFlags(info.flags, to);
  if (info.tls != nullptr) setTls(*info.tls, info.requested_server_name, to);
  if (info.tls == nullptr && !info.requested_server_name.empty()) {
    to.mutable_tls_properties()->set_tls_sni_hostname(entryText(info.requested_server_name));
  }
  to.set_upstream_cluster(std::string(info.cluster));
  to.set_route_name(std::string(info.route_name));
  to.set_upstream_request_attempt_count(info.attempts);
  if (isOfTransport(info.upstream_failure.kind)) {
    to.set_upstream_transport_failure_reason(std::string(info.upstream_failure.detail));
  }
  to.set_connection_termination_details(std::string(info.termination_details));
  to.set_stream_id(info.request_id.empty() ? std::to_string(info.stream_id)
                                           : entryText(info.request_id));
  to.set_downstream_wire_bytes_received(info.downstream.wire_in);
  to.set_downstream_wire_bytes_sent(info.downstream.wire_out);
  to.set_upstream_wire_bytes_received(info.upstream.wire_in);
  to.set_upstream_wire_bytes_sent(info.upstream.wire_out);
  to.set_access_log_type(static_cast<v3::AccessLogType>(info.moment));
  to.set_intermediate_log_entry(info.moment != LogMoment::DownstreamEnd &&
                                info.moment != LogMoment::TcpConnectionEnd);
  tags.fill(info, *to.mutable_custom_tags());
}

v3::HTTPAccessLogEntry::HTTPVersion versionOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::Http10:
      return v3::HTTPAccessLogEntry::HTTP10;
    case Protocol::Http11:
      return v3::HTTPAccessLogEntry::HTTP11;
    case Protocol::Http2:
      return v3::HTTPAccessLogEntry::HTTP2;
    case Protocol::Http3:
      return v3::HTTPAccessLogEntry::HTTP3;
  }
  return v3::HTTPAccessLogEntry::PROTOCOL_UNSPECIFIED;
}

// Repeated fields are one list, as HTTP says (RFC 9110 §5.3).
std::string valuesOf(const Fields& fields, const HeaderName& name) {
  std::string values;
  bool found = false;
  for (const Field& field : fields) {
    if (field.name() != name.text()) continue;
    if (std::exchange(found, true)) values.push_back(',');
    values.append(field.value());
  }
  return values;
}

using Headers = google::protobuf::Map<std::string, std::string>;
using Source = telemetry::HeaderRef::Source;

void addFields(const std::vector<EntryPlan::Header>& wanted, const Fields& fields, Headers& to) {
  for (const EntryPlan::Header& header : wanted) {
    if (header.ref.source != Source::Field || !fields.has(header.ref.name)) continue;
    to[header.name] = entryText(valuesOf(fields, header.ref.name));
  }
}

void setRequest(const StreamInfo& info, const std::vector<EntryPlan::Header>& wanted,
                v3::HTTPRequestProperties& to) {
  to.set_request_body_bytes(info.bytes_received);
  to.set_upstream_header_bytes_sent(info.upstream.header_out);
  to.set_downstream_header_bytes_received(info.downstream.header_in);
  if (info.request == nullptr) return;
  const RequestHead& head = *info.request;
  const auto field = [&](HeaderId id) {
    return entryText(head.fields.get(id).value_or(std::string_view()));
  };
  core::RequestMethod method = core::METHOD_UNSPECIFIED;
  if (core::RequestMethod_Parse(std::string(head.method_name), &method)) {
    to.set_request_method(method);
  }
  to.set_scheme(std::string(head.scheme));
  to.set_authority(entryText(head.authority));
  to.set_path(entryText(head.path));
  to.set_user_agent(field(HeaderId::UserAgent));
  to.set_referer(field(HeaderId::Referer));
  to.set_forwarded_for(field(HeaderId::XForwardedFor));
  to.set_request_id(field(HeaderId::XRequestId));
  to.set_original_path(field(HeaderId::XEnvoyOriginalPath));
  // With the pseudo fields that stand for the request line.
  size_t bytes = head.fields.byteSize() + 7 + head.method_name.size() + 5 + head.path.size();
  if (!head.authority.empty()) bytes += 10 + head.authority.size();
  if (!head.scheme.empty()) bytes += 7 + head.scheme.size();
  to.set_request_headers_bytes(bytes);
  addFields(wanted, head.fields, *to.mutable_request_headers());
  for (const EntryPlan::Header& header : wanted) {
    if (header.ref.source == Source::Field) continue;
    const std::string_view value = header.ref.of(head);
    if (!value.empty()) (*to.mutable_request_headers())[header.name] = entryText(value);
  }
}

void setResponse(const StreamInfo& info, const EntryPlan& plan, v3::HTTPResponseProperties& to) {
  if (info.response_code != 0) to.mutable_response_code()->set_value(info.response_code);
  to.set_response_body_bytes(info.bytes_sent);
  to.set_response_code_details(entryText(info.details));
  to.set_upstream_header_bytes_received(info.upstream.header_in);
  to.set_downstream_header_bytes_sent(info.downstream.header_out);
  if (info.response != nullptr && info.response_code != 0) {
    const ResponseHead& head = *info.response;
    to.set_response_headers_bytes(head.fields.byteSize() + 10);  // and ":status: 200"
    addFields(plan.response_headers, head.fields, *to.mutable_response_headers());
    for (const EntryPlan::Header& header : plan.response_headers) {
      if (header.ref.source != Source::Status) continue;
      (*to.mutable_response_headers())[header.name] = std::to_string(head.status);
    }
  }
  if (info.response_trailers != nullptr) {
    addFields(plan.response_trailers, *info.response_trailers, *to.mutable_response_trailers());
  }
}

}  // namespace

void EntryPlan::fill(const StreamInfo& info, Http& entry) const {
  setCommon(info, tags, *entry.mutable_common_properties());
  entry.set_protocol_version(versionOf(info.protocol));
  setRequest(info, request_headers, *entry.mutable_request());
  setResponse(info, *this, *entry.mutable_response());
}

void EntryPlan::fill(const StreamInfo& info, Tcp& entry) const {
  setCommon(info, tags, *entry.mutable_common_properties());
  entry.mutable_connection_properties()->set_received_bytes(info.bytes_received);
  entry.mutable_connection_properties()->set_sent_bytes(info.bytes_sent);
}

}  // namespace weir::access_logs
