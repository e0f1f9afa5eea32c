#include "source/stream/local_reply_body.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "source/codec/http1/token.h"
#include "source/telemetry/json_text.h"
#include "weir/grpc.h"

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

ReplyBody grpcReply(const LocalReply& reply, Arena& arena) {
  ReplyBody made;
  made.status = 200;
  made.add(kContentType, "application/grpc");
  made.add(kGrpcStatus,
           decimal(reply.grpc_status.value_or(grpc::statusOfHttp(reply.status)), arena));
  std::string_view text = reply.body;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.empty()) made.add(kGrpcMessage, grpc::encodeMessage(text, arena));
  return made;
}

}  // namespace

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
  if (grpc::isGrpc(request.fields)) return grpcReply(reply, arena);
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
