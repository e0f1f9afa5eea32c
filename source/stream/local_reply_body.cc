#include "source/stream/local_reply_body.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "source/codec/http1/token.h"
#include "source/telemetry/json_text.h"

namespace weir::stream {
namespace {

constexpr std::string_view kText = "text/plain";
constexpr std::string_view kProblem = "application/problem+json";

const HeaderName kContentType(HeaderId::ContentType);
const HeaderName kContentLength(HeaderId::ContentLength);
const HeaderName kGrpcStatus(HeaderId::GrpcStatus);
const HeaderName kGrpcMessage = *HeaderName::parse("grpc-message");

std::string_view decimal(uint64_t number, Arena& arena) {
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return arena.copy({text, static_cast<size_t>(end - text)});
}

// RFC 9110 §12.4.2, in thousandths; what is no weight counts as 1.
int weightOf(std::string_view parameters) {
  while (!parameters.empty()) {
    const size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = codec::trimmed(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const bool is_weight =
        parameter.size() > 2 && codec::lowerOf(parameter[0]) == 'q' && parameter[1] == '=';
    if (!is_weight) continue;
    if (parameter[2] != '0') return 1000;
    int weight = 0;
    int place = 100;
    for (size_t i = 4; i < parameter.size() && codec::isDigit(parameter[i]); ++i, place /= 10) {
      weight += (parameter[i] - '0') * place;
    }
    return weight;
  }
  return 1000;
}

// How much a client wants each kind of body; -1: not named.
struct Wishes {
  int json = -1;
  int html = -1;
  int other = -1;  // other text, or anything at all

  void read(std::string_view accept) {
    while (!accept.empty()) {
      const size_t comma = std::min(accept.find(','), accept.size());
      const std::string_view range = accept.substr(0, comma);
      accept.remove_prefix(std::min(comma + 1, accept.size()));
      const size_t end = std::min(range.find(';'), range.size());
      note(codec::trimmed(range.substr(0, end)),
           weightOf(range.substr(std::min(end + 1, range.size()))));
    }
  }

 private:
  void note(std::string_view type, int weight) {
    const auto is = [&](std::string_view name) { return codec::equalsIgnoreCase(type, name); };
    if (is("application/json") || is(kProblem)) {
      json = std::max(json, weight);
    } else if (is("text/html") || is("application/xhtml+xml")) {
      html = std::max(html, weight);
    } else if (is(kText) || is("text/*") || is("*/*")) {
      other = std::max(other, weight);
    }
  }
};

std::string_view problemOf(const LocalReply& reply, std::string_view request_id, Arena& arena) {
  std::string json = R"({"type":"about:blank","title":)";
  telemetry::appendJsonString(json, reasonPhrase(reply.status));
  json += ",\"status\":";
  json += std::to_string(reply.status);
  const auto member = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    json += ",\"";
    json += name;
    json += "\":";
    telemetry::appendJsonString(json, value);
  };
  member("detail", reply.body);
  member("reason", reply.details);
  member("request_id", request_id);
  json += "}\n";
  return arena.copy(json);
}

// gRPC over HTTP/2, "Responses": Percent-Encoded is printable ASCII without '%', all else escaped.
std::string_view grpcMessageOf(std::string_view text, Arena& arena) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto* room = static_cast<char*>(arena.allocate(text.size() * 3, 1));
  char* to = room;
  for (char c : text) {
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

ReplyBody grpcReply(const LocalReply& reply, Arena& arena) {
  ReplyBody made;
  made.status = 200;
  made.add(kContentType, "application/grpc");
  made.add(kGrpcStatus, decimal(reply.grpc_status.value_or(grpcStatusFor(reply.status)), arena));
  if (!reply.body.empty()) made.add(kGrpcMessage, grpcMessageOf(reply.body, arena));
  return made;
}

}  // namespace

bool isGrpc(const RequestHead& request) {
  constexpr std::string_view kGrpc = "application/grpc";
  const auto type = request.fields.get(HeaderId::ContentType);
  if (!type || type->size() < kGrpc.size()) return false;
  if (!codec::equalsIgnoreCase(type->substr(0, kGrpc.size()), kGrpc)) return false;
  return type->size() == kGrpc.size() || (*type)[kGrpc.size()] == '+' ||
         (*type)[kGrpc.size()] == ';';
}

uint32_t grpcStatusFor(uint16_t http_status) {
  switch (http_status) {
    case 400:
      return 13;  // INTERNAL
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
      return 14;  // UNAVAILABLE
    default:
      return 2;  // UNKNOWN
  }
}

bool prefersJson(const Fields& request) {
  if (!request.has(HeaderId::Accept)) return false;
  Wishes wishes;
  for (const Field& field : request) {
    if (field.id == HeaderId::Accept) wishes.read(field.value());
  }
  return wishes.json > 0 && wishes.json > wishes.html && wishes.json >= wishes.other;
}

ReplyBody makeReplyBody(const LocalReply& reply, const RequestHead& request,
                        std::string_view request_id, Arena& arena) {
  if (isGrpc(request)) return grpcReply(reply, arena);
  ReplyBody made;
  made.status = reply.status;
  made.text = reply.body;
  const bool has_type = reply.fields != nullptr && reply.fields->has(HeaderId::ContentType);
  if (!has_type && reply.status >= 400 && prefersJson(request.fields)) {
    made.text = problemOf(reply, request_id, arena);
    made.add(kContentType, kProblem);
  } else if (!has_type && !made.text.empty()) {
    made.add(kContentType, kText);
  }
  if (!made.text.empty()) made.add(kContentLength, decimal(made.text.size(), arena));
  return made;
}

}  // namespace weir::stream
