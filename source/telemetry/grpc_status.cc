#include "source/telemetry/grpc_status.h"

#include <array>
#include <charconv>

namespace weir::telemetry {
namespace {

constexpr uint32_t kUnknown = 2;

struct Names {
  std::string_view camel;
  std::string_view snake;
};

constexpr std::array<Names, 17> kNames = {{
    {"OK", "OK"},
    {"Canceled", "CANCELLED"},
    {"Unknown", "UNKNOWN"},
    {"InvalidArgument", "INVALID_ARGUMENT"},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
    {"NotFound", "NOT_FOUND"},
    {"AlreadyExists", "ALREADY_EXISTS"},
    {"PermissionDenied", "PERMISSION_DENIED"},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
    {"FailedPrecondition", "FAILED_PRECONDITION"},
    {"Aborted", "ABORTED"},
    {"OutOfRange", "OUT_OF_RANGE"},
    {"Unimplemented", "UNIMPLEMENTED"},
    {"Internal", "INTERNAL"},
    {"Unavailable", "UNAVAILABLE"},
    {"DataLoss", "DATA_LOSS"},
    {"Unauthenticated", "UNAUTHENTICATED"},
}};

// gRPC's "HTTP to gRPC Status Code Mapping". A 200 without grpc-status is Unknown, too.
uint32_t fromHttp(uint16_t status) {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return kUnknown;
  }
}

std::optional<uint32_t> statusIn(const Fields& fields) {
  const auto text = fields.get(HeaderId::GrpcStatus);
  if (!text) return std::nullopt;
  uint32_t status = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), status);
  if (error != std::errc() || end != text->data() + text->size()) return kUnknown;
  return status;
}

bool isGrpc(const RequestHead& head) {
  constexpr std::string_view kGrpc = "application/grpc";
  const std::string_view type = head.fields.get(HeaderId::ContentType).value_or(std::string_view());
  if (!type.starts_with(kGrpc)) return false;
  return type.size() == kGrpc.size() || type[kGrpc.size()] == '+' || type[kGrpc.size()] == ';';
}

}  // namespace

uint32_t grpcStatusOfResponse(const StreamInfo& info) {
  std::optional<uint32_t> status;
  if (info.response_trailers != nullptr) status = statusIn(*info.response_trailers);
  if (!status && info.response != nullptr) status = statusIn(info.response->fields);
  return status ? *status : fromHttp(info.response_code);
}

std::optional<uint32_t> grpcStatusOf(const StreamInfo& info) {
  if (info.request == nullptr || !isGrpc(*info.request)) return std::nullopt;
  return grpcStatusOfResponse(info);
}

std::string_view grpcCamelName(uint32_t status) {
  return status < kNames.size() ? kNames[status].camel : std::string_view();
}

std::string_view grpcSnakeName(uint32_t status) {
  return status < kNames.size() ? kNames[status].snake : std::string_view();
}

}  // namespace weir::telemetry
