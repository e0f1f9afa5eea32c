// Operators that read the messages: headers, trailers, path, query, gRPC status.
#include <array>
#include <charconv>

#include "source/telemetry/log_operator.h"
#include "source/telemetry/percent_decode.h"
#include "source/telemetry/text_number.h"
#include "weir/grpc.h"

namespace weir::telemetry {
namespace {

// "X?Y"
Result<LogArgs> prepareHeaders(std::string_view parameter) {
  LogArgs args;
  const size_t mark = parameter.find('?');
  auto first = HeaderRef::parse(parameter.substr(0, mark));
  if (!first) return first.error();
  args.first = *std::move(first);
  if (mark == std::string_view::npos) return args;
  auto second = HeaderRef::parse(parameter.substr(mark + 1));
  if (!second) return second.error();
  args.second = *std::move(second);
  return args;
}

LogValue requestHeader(const LogArgs& args, const StreamInfo& info, std::string&) {
  if (info.request == nullptr) return LogValue::none();
  const std::string_view first = args.first.of(*info.request);
  return LogValue::ofNonEmpty(first.empty() ? args.second.of(*info.request) : first);
}

std::string_view withoutQuery(std::string_view path) { return path.substr(0, path.find('?')); }

LogValue requestWithoutQuery(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  return LogValue::ofNonEmpty(withoutQuery(requestHeader(args, info, scratch).text));
}

LogValue fieldOf(const HeaderRef& ref, const Fields& fields) {
  if (ref.source != HeaderRef::Source::Field) return LogValue::none();
  return LogValue::ofNonEmpty(fields.get(ref.name).value_or(std::string_view()));
}

LogValue responseHeader(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  if (info.response == nullptr) return LogValue::none();
  for (const HeaderRef* ref : {&args.first, &args.second}) {
    if (ref->source == HeaderRef::Source::Status) {
      appendNumber(scratch, info.response->status);
      return LogValue::ofText(scratch);
    }
    const LogValue found = fieldOf(*ref, info.response->fields);
    if (found.kind != LogValue::Kind::None) return found;
  }
  return LogValue::none();
}

LogValue responseTrailer(const LogArgs& args, const StreamInfo& info, std::string&) {
  if (info.response_trailers == nullptr) return LogValue::none();
  const LogValue first = fieldOf(args.first, *info.response_trailers);
  return first.kind != LogValue::Kind::None ? first : fieldOf(args.second, *info.response_trailers);
}

// Which of two sources a value comes from; shared by PATH and REQUESTED_SERVER_NAME.
enum Source { kOriginalFirst, kOriginal, kCurrent };

// "X:Y", both optional, X and Y from their lists.
Result<LogArgs> prepareChoices(std::string_view parameter, std::array<std::string_view, 3> first,
                               std::array<std::string_view, 3> second) {
  LogArgs args;
  const size_t colon = parameter.find(':');
  const auto choose = [](std::string_view word, const auto& words, int& into) {
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] != word) continue;
      into = static_cast<int>(i);
      return true;
    }
    return word.empty();
  };
  const std::string_view left = parameter.substr(0, colon);
  const std::string_view right = colon == std::string_view::npos ? "" : parameter.substr(colon + 1);
  if (!choose(left, first, args.choice))
    return Error{"", "unknown option '" + std::string(left) + "'"};
  if (!choose(right, second, args.choice2))
    return Error{"", "unknown option '" + std::string(right) + "'"};
  return args;
}

Result<LogArgs> preparePath(std::string_view parameter) {
  return prepareChoices(parameter, {"WQ", "NQ", "WQ"}, {"ORIG_OR_PATH", "ORIG", "PATH"});
}

LogValue path(const LogArgs& args, const StreamInfo& info, std::string&) {
  if (info.request == nullptr) return LogValue::none();
  std::string_view text;
  if (args.choice2 != kCurrent) {
    text = info.request->fields.get(HeaderId::XEnvoyOriginalPath).value_or(std::string_view());
  }
  if (args.choice2 != kOriginal && text.empty()) text = info.request->path;
  return LogValue::ofNonEmpty(args.choice == 1 ? withoutQuery(text) : text);
}

Result<LogArgs> prepareServerName(std::string_view parameter) {
  return prepareChoices(parameter, {"SNI_ONLY", "SNI_FIRST", "HOST_FIRST"},
                        {"ORIG_OR_HOST", "ORIG", "HOST"});
}

LogValue serverName(const LogArgs& args, const StreamInfo& info, std::string&) {
  enum { kSniOnly, kSniFirst };
  if (args.choice == kSniOnly ||
      (args.choice == kSniFirst && !info.requested_server_name.empty())) {
    return LogValue::ofNonEmpty(info.requested_server_name);
  }
  std::string_view host;
  if (info.request != nullptr) {
    if (args.choice2 != kCurrent) {
      host = info.request->fields.get("x-envoy-original-host").value_or(std::string_view());
    }
    if (args.choice2 != kOriginal && host.empty()) host = info.request->authority;
  }
  return LogValue::ofNonEmpty(host.empty() ? info.requested_server_name : host);
}

std::string_view queryOf(const StreamInfo& info) {
  if (info.request == nullptr) return {};
  const size_t mark = info.request->path.find('?');
  if (mark == std::string_view::npos) return {};
  const std::string_view query = info.request->path.substr(mark + 1);
  return query.substr(0, query.find('#'));
}

Result<LogArgs> prepareText(std::string_view parameter) {
  LogArgs args;
  args.text = parameter;
  return args;
}

LogValue queryParameter(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  std::string_view rest = queryOf(info);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    scratch.clear();
    appendPercentDecoded(scratch, pair.substr(0, equals));
    if (scratch != args.text) continue;
    scratch.clear();
    if (equals != std::string_view::npos) appendPercentDecoded(scratch, pair.substr(equals + 1));
    return LogValue::ofNonEmpty(scratch);
  }
  return LogValue::none();
}

Result<LogArgs> prepareQuery(std::string_view parameter) {
  return prepareChoices(parameter, {"ORIG", "DECODED", "ORIG"}, {"", "", ""});
}

LogValue queryParameters(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  if (args.choice == 0) return LogValue::ofNonEmpty(queryOf(info));
  appendPercentDecoded(scratch, queryOf(info));
  return LogValue::ofNonEmpty(scratch);
}

enum GrpcForm { kCamel, kSnake, kNumber };

Result<LogArgs> prepareGrpcStatus(std::string_view parameter) {
  return prepareChoices(parameter, {"CAMEL_STRING", "SNAKE_STRING", "NUMBER"}, {"", "", ""});
}

std::optional<uint32_t> grpcStatusOf(const StreamInfo& info) {
  if (info.request == nullptr || !grpc::isGrpc(info.request->fields)) return std::nullopt;
  return grpc::statusOf(info);
}

LogValue grpcStatus(const LogArgs& args, const StreamInfo& info, std::string& scratch) {
  const std::optional<uint32_t> status = grpcStatusOf(info);
  if (!status) return LogValue::none();
  if (args.choice == kNumber) return LogValue::ofNumber(*status);
  const std::string_view name =
      args.choice == kCamel ? grpc::camelName(*status) : grpc::constantName(*status);
  if (!name.empty()) return LogValue::ofText(name);
  appendNumber(scratch, *status);
  return LogValue::ofText(scratch);
}

LogValue grpcStatusNumber(const LogArgs&, const StreamInfo& info, std::string&) {
  const std::optional<uint32_t> status = grpcStatusOf(info);
  return status ? LogValue::ofNumber(*status) : LogValue::none();
}

// Sizes as if every pseudo-header were a field, which is how Envoy keeps them.
LogValue requestHeadersBytes(const LogArgs&, const StreamInfo& info, std::string&) {
  if (info.request == nullptr) return LogValue::ofNumber(0);
  const RequestHead& head = *info.request;
  uint64_t size = head.fields.byteSize();
  const std::array<std::pair<std::string_view, std::string_view>, 4> pseudo = {
      {{":method", head.method_name},
       {":path", head.path},
       {":authority", head.authority},
       {":scheme", head.scheme}}};
  for (const auto& [name, value] : pseudo) {
    if (!value.empty()) size += name.size() + value.size();
  }
  return LogValue::ofNumber(size);
}

LogValue responseHeadersBytes(const LogArgs&, const StreamInfo& info, std::string&) {
  constexpr uint64_t kStatus = std::string_view(":status200").size();
  return LogValue::ofNumber(info.response == nullptr ? 0
                                                     : info.response->fields.byteSize() + kStatus);
}

LogValue responseTrailersBytes(const LogArgs&, const StreamInfo& info, std::string&) {
  return LogValue::ofNumber(info.response_trailers == nullptr ? 0
                                                              : info.response_trailers->byteSize());
}

}  // namespace

const std::vector<LogOperatorRow>& messageOperators() {
  static const std::vector<LogOperatorRow> kRows = {
      {"REQ", &requestHeader, &prepareHeaders, true},
      {"REQUEST_HEADER", &requestHeader, &prepareHeaders, true},
      {"RESP", &responseHeader, &prepareHeaders, true},
      {"RESPONSE_HEADER", &responseHeader, &prepareHeaders, true},
      {"TRAILER", &responseTrailer, &prepareHeaders, true},
      {"RESPONSE_TRAILER", &responseTrailer, &prepareHeaders, true},
      {"REQ_WITHOUT_QUERY", &requestWithoutQuery, &prepareHeaders, true},
      {"PATH", &path, &preparePath},
      {"QUERY_PARAM", &queryParameter, &prepareText, true},
      {"QUERY_PARAMS", &queryParameters, &prepareQuery},
      {"REQUESTED_SERVER_NAME", &serverName, &prepareServerName},
      {"GRPC_STATUS", &grpcStatus, &prepareGrpcStatus},
      {"GRPC_STATUS_NUMBER", &grpcStatusNumber},
      {"REQUEST_HEADERS_BYTES", &requestHeadersBytes},
      {"RESPONSE_HEADERS_BYTES", &responseHeadersBytes},
      {"RESPONSE_TRAILERS_BYTES", &responseTrailersBytes},
  };
  return kRows;
}

}  // namespace weir::telemetry
