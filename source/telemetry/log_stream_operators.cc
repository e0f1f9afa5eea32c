// Operators that read plain members of StreamInfo: codes, flags, byte counts, names, ids.
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "source/telemetry/log_operator.h"
#include "source/telemetry/text_number.h"

namespace weir::telemetry {
namespace {

template <auto Member>
LogValue number(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNumber(info.*Member);
}

template <auto Member>
LogValue text(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNonEmpty(info.*Member);
}

template <auto Side, auto Measure>
LogValue measure(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNumber(info.*Side.*Measure);
}

LogValue protocol(const LogArgs&, const StreamInfo& info, std::string&) {
  if (info.moment != LogMoment::DownstreamEnd) return LogValue::none();
  return LogValue::ofText(protocolName(info.protocol));
}

LogValue upstreamProtocol(const LogArgs&, const StreamInfo& info, std::string&) {
  const bool was_sent =
      info.first_upstream_tx != SteadyTime{} && info.moment == LogMoment::DownstreamEnd;
  return was_sent ? LogValue::ofText(protocolName(info.upstream_protocol)) : LogValue::none();
}

// A timeout, a cancellation or the end of one stream is no failure of the transport.
LogValue transportFailure(const LogArgs&, const StreamInfo& info, std::string&) {
  const FailureKind kind = info.upstream_failure.kind;
  const bool transport = kind != FailureKind::Timeout && kind != FailureKind::Cancelled &&
                         kind != FailureKind::StreamReset && kind != FailureKind::StreamRefused;
  return LogValue::ofNonEmpty(transport ? info.upstream_failure.detail : std::string_view());
}

template <std::string_view (*Name)(ResponseFlag)>
LogValue flags(const LogArgs&, const StreamInfo& info, std::string& scratch) {
  if (!info.flags.any()) return LogValue::ofText("-");
  for (int i = 0; i < static_cast<int>(ResponseFlag::kCount); ++i) {
    const auto flag = static_cast<ResponseFlag>(i);
    if (!info.flags.has(flag)) continue;
    if (!scratch.empty()) scratch.push_back(',');
    scratch.append(Name(flag));
  }
  return LogValue::ofText(scratch);
}

Result<LogArgs> prepareDetails(std::string_view parameter) {
  LogArgs args;
  if (!parameter.empty() && parameter != "ALLOW_WHITESPACES") {
    return Error{"", "unknown option '" + std::string(parameter) + "', expected ALLOW_WHITESPACES"};
  }
  args.choice = parameter.empty() ? 0 : 1;
  return args;
}

LogValue details(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  if (args.choice == 1 || info.details.find_first_of(kSpaces) == std::string_view::npos) {
    return LogValue::ofNonEmpty(info.details);
  }
  for (char c : info.details)
    scratch.push_back(kSpaces.find(c) == std::string_view::npos ? c : '_');
  return LogValue::ofText(scratch);
}

LogValue streamId(const LogArgs&, const StreamInfo& info, std::string& scratch) {
  if (!info.request_id.empty()) return LogValue::ofText(info.request_id);
  appendNumber(scratch, info.stream_id);
  return LogValue::ofText(scratch);
}

LogValue logType(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofText(momentName(info.moment));
}

// A random UUID (RFC 9562 §5.4), fresh at every evaluation.
LogValue uniqueId(const LogArgs&, const StreamInfo&, std::string& scratch) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::array<uint8_t, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return LogValue::none();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) scratch.push_back('-');
    scratch.push_back(kHex[bytes[i] >> 4]);
    scratch.push_back(kHex[bytes[i] & 15]);
  }
  return LogValue::ofText(scratch);
}

LogValue constant(const LogArgs& args, const StreamInfo&, std::string&) {
  return LogValue::ofNonEmpty(args.text);
}

Result<LogArgs> prepareHostname(std::string_view parameter) {
  if (!parameter.empty()) return Error{"", "takes no parameter"};
  char name[256] = {};
  LogArgs args;
  if (gethostname(name, sizeof(name) - 1) == 0) args.text = name;
  return args;
}

Result<LogArgs> prepareEnvironment(std::string_view parameter) {
  LogArgs args;
  const char* value = std::getenv(std::string(parameter).c_str());
  if (value != nullptr) args.text = value;
  return args;
}

}  // namespace

const std::vector<LogOperatorRow>& streamOperators() {
  static const std::vector<LogOperatorRow> kRows = {
      {"PROTOCOL", &protocol},
      {"UPSTREAM_PROTOCOL", &upstreamProtocol},
      {"RESPONSE_CODE", &number<&StreamInfo::response_code>},
      {"RESPONSE_CODE_DETAILS", &details, &prepareDetails},
      {"CONNECTION_TERMINATION_DETAILS", &text<&StreamInfo::termination_details>},
      {"RESPONSE_FLAGS", &flags<&shortName>},
      {"RESPONSE_FLAGS_LONG", &flags<&longName>},
      {"BYTES_RECEIVED", &number<&StreamInfo::bytes_received>},
      {"BYTES_SENT", &number<&StreamInfo::bytes_sent>},
      {"DOWNSTREAM_WIRE_BYTES_RECEIVED", &measure<&StreamInfo::downstream, &ByteMeter::wire_in>},
      {"DOWNSTREAM_WIRE_BYTES_SENT", &measure<&StreamInfo::downstream, &ByteMeter::wire_out>},
      {"DOWNSTREAM_HEADER_BYTES_RECEIVED",
       &measure<&StreamInfo::downstream, &ByteMeter::header_in>},
      {"DOWNSTREAM_HEADER_BYTES_SENT", &measure<&StreamInfo::downstream, &ByteMeter::header_out>},
      {"UPSTREAM_WIRE_BYTES_RECEIVED", &measure<&StreamInfo::upstream, &ByteMeter::wire_in>},
      {"UPSTREAM_WIRE_BYTES_SENT", &measure<&StreamInfo::upstream, &ByteMeter::wire_out>},
      {"UPSTREAM_HEADER_BYTES_RECEIVED", &measure<&StreamInfo::upstream, &ByteMeter::header_in>},
      {"UPSTREAM_HEADER_BYTES_SENT", &measure<&StreamInfo::upstream, &ByteMeter::header_out>},
      {"ROUTE_NAME", &text<&StreamInfo::route_name>},
      {"VIRTUAL_HOST_NAME", &text<&StreamInfo::virtual_host>},
      {"UPSTREAM_CLUSTER", &text<&StreamInfo::cluster>},
      {"UPSTREAM_CLUSTER_RAW", &text<&StreamInfo::cluster>},
      {"UPSTREAM_TRANSPORT_FAILURE_REASON", &transportFailure},
      {"UPSTREAM_REQUEST_ATTEMPT_COUNT", &number<&StreamInfo::attempts>},
      {"CONNECTION_ID", &number<&StreamInfo::connection_id>},
      {"STREAM_ID", &streamId},
      {"ACCESS_LOG_TYPE", &logType},
      {"UNIQUE_ID", &uniqueId},
      {"HOSTNAME", &constant, &prepareHostname},
      {"ENVIRONMENT", &constant, &prepareEnvironment, true},
  };
  return kRows;
}

}  // namespace weir::telemetry
