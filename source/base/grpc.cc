#include "weir/grpc.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::grpc {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMostDigits = 8;
constexpr int64_t kMostUnits = 99'999'999;

struct Row {
  std::string_view camel;
  std::string_view constant;
  uint16_t http;
};

// Names as in Envoy's access log; HTTP statuses as google.rpc.Code has them.
constexpr std::array<Row, 17> kRows = {{
    {"OK", "OK", 200},
    {"Canceled", "CANCELLED", 499},
    {"Unknown", "UNKNOWN", 500},
    {"InvalidArgument", "INVALID_ARGUMENT", 400},
    {"DeadlineExceeded", "DEADLINE_EXCEEDED", 504},
    {"NotFound", "NOT_FOUND", 404},
    {"AlreadyExists", "ALREADY_EXISTS", 409},
    {"PermissionDenied", "PERMISSION_DENIED", 403},
    {"ResourceExhausted", "RESOURCE_EXHAUSTED", 429},
    {"FailedPrecondition", "FAILED_PRECONDITION", 400},
    {"Aborted", "ABORTED", 409},
    {"OutOfRange", "OUT_OF_RANGE", 400},
    {"Unimplemented", "UNIMPLEMENTED", 501},
    {"Internal", "INTERNAL", 500},
    {"Unavailable", "UNAVAILABLE", 503},
    {"DataLoss", "DATA_LOSS", 500},
    {"Unauthenticated", "UNAUTHENTICATED", 401},
}};

std::optional<int64_t> numberOf(std::string_view digits) {
  if (digits.empty() || digits.size() > kMostDigits) return std::nullopt;
  int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

bool isGrpc(const Fields& fields) {
  constexpr std::string_view kType = "application/grpc";
  const auto type = fields.get(HeaderId::ContentType);
  return type && type->starts_with(kType) &&
         (type->size() == kType.size() || (*type)[kType.size()] == '+');
}

std::optional<uint32_t> statusIn(const Fields& fields) {
  const auto text = fields.get(HeaderId::GrpcStatus);
  if (!text) return std::nullopt;
  uint32_t status = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), status);
  if (error != std::errc() || end != text->data() + text->size()) return kUnknown;
  return status;
}

uint32_t statusOf(const StreamInfo& info) {
  std::optional<uint32_t> status;
  if (info.response_trailers != nullptr) status = statusIn(*info.response_trailers);
  if (!status && info.response != nullptr) status = statusIn(info.response->fields);
  return status ? *status : statusOfHttp(info.response_code);
}

uint32_t statusOfHttp(uint16_t http_status) {
  switch (http_status) {
    case 400:
      return kInternal;
    case 401:
      return 16;  // UNAUTHENTICATED
    case 403:
      return 7;  // PERMISSION_DENIED
    case 404:
      return 12;  // UNIMPLEMENTED
    case 429:
    case 502:
    case 503:
    case 504:
      return kUnavailable;
    default:
      return kUnknown;
  }
}

uint16_t httpStatusOf(uint32_t status) {
  return status < kRows.size() ? kRows[status].http : uint16_t{500};
}

std::string_view camelName(uint32_t status) {
  return status < kRows.size() ? kRows[status].camel : std::string_view();
}

std::string_view constantName(uint32_t status) {
  return status < kRows.size() ? kRows[status].constant : std::string_view();
}

std::string_view encodeMessage(std::string_view text, Arena& arena) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  auto* room = static_cast<char*>(arena.allocate(text.size() * 3, 1));
  char* to = room;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      *to++ = c;
      continue;
    }
    *to++ = '%';
    *to++ = kHex[byte >> 4];
    *to++ = kHex[byte & 15];
  }
  return {room, static_cast<size_t>(to - room)};
}

std::optional<milliseconds> timeoutIn(const Fields& fields) {
  using std::chrono::ceil;
  const auto text = fields.get(HeaderId::GrpcTimeout);
  if (!text || text->empty()) return std::nullopt;
  const auto number = numberOf(text->substr(0, text->size() - 1));
  if (!number) return std::nullopt;
  switch (text->back()) {
    case 'H':
      return std::min<milliseconds>(std::chrono::hours(*number), kLongest);
    case 'M':
      return std::min<milliseconds>(std::chrono::minutes(*number), kLongest);
    case 'S':
      return std::chrono::seconds(*number);
    case 'm':
      return milliseconds(*number);
    case 'u':
      return ceil<milliseconds>(std::chrono::microseconds(*number));
    case 'n':
      return ceil<milliseconds>(std::chrono::nanoseconds(*number));
    default:
      return std::nullopt;
  }
}

void limitTimeout(Fields& fields, milliseconds timeout) {
  const auto asked = timeoutIn(fields);
  if (asked && *asked <= timeout) return;
  const int64_t most = std::min(timeout, kLongest).count();
  const bool fits = most <= kMostUnits;
  char text[kMostDigits + 1];
  char* end = std::to_chars(text, text + kMostDigits, fits ? most : most / 1000).ptr;
  *end++ = fits ? 'm' : 'S';
  fields.set(HeaderId::GrpcTimeout, {text, static_cast<size_t>(end - text)});
}

std::optional<Method> methodOf(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const Method method{path.substr(0, slash), path.substr(slash + 1)};
  const bool plain = method.name.find('/') == std::string_view::npos;
  if (method.service.empty() || method.name.empty() || !plain) return std::nullopt;
  return method;
}

size_t Messages::take(std::string_view data) {
  size_t taken = 0;
  if (seen_ == 0) {
    ++begun_;
    size_ = 0;
  }
  for (; seen_ < kPrefix && taken < data.size(); ++seen_, ++taken) {
    if (seen_ != 0) size_ = size_ << 8 | static_cast<uint8_t>(data[taken]);
  }
  if (seen_ < kPrefix) return taken;
  const size_t more = std::min<uint64_t>(kPrefix + size_ - seen_, data.size() - taken);
  seen_ += more;
  if (seen_ == kPrefix + uint64_t{size_}) seen_ = 0;
  return taken + more;
}

}  // namespace weir::grpc
