// Lets gRPC-Web clients, which have no trailers, call gRPC servers: a request becomes one of gRPC,
// a response gets its trailers as a last frame of the body.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "filters/http/grpc_web/base64_pieces.h"
#include "weir/filter.h"
#include "weir/filter_registry.h"
#include "weir/grpc.h"
#include "weir/string_matcher.h"

namespace weir::filters::grpc_web {
namespace {

namespace v3 = envoy::extensions::filters::http::grpc_web::v3;

// As in Envoy: what another server says instead of gRPC becomes grpc-message up to here.
constexpr uint64_t kMostMessage = 16384;
constexpr char kTrailersFrame = '\x80';

const HeaderName kGrpcMessage = *HeaderName::parse("grpc-message");
const HeaderName kGrpcAcceptEncoding = *HeaderName::parse("grpc-accept-encoding");

struct Plan {
  static Result<Plan> from(const v3::GrpcWeb&, PlanBuild&) { return Plan{}; }
};

// "application/grpc-web-text+proto; charset=utf-8".
struct MediaType {
  bool is_web = false;
  bool is_text = false;
  std::string_view format;  // "+proto"; empty when it is not said

  static MediaType of(std::string_view value) {
    constexpr std::string_view kWeb = "application/grpc-web";
    constexpr std::string_view kText = "-text";
    value = value.substr(0, value.find(';'));
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    MediaType type;
    if (!equalsIgnoreCase(value.substr(0, kWeb.size()), kWeb)) return type;
    value.remove_prefix(kWeb.size());
    type.is_text = equalsIgnoreCase(value.substr(0, kText.size()), kText);
    if (type.is_text) value.remove_prefix(kText.size());
    type.is_web = value.empty() || value[0] == '+';
    type.format = value;
    return type;
  }
};

bool acceptsText(const Fields& fields) {
  std::string_view accept = fields.get(HeaderId::Accept).value_or("");
  while (!accept.empty()) {
    std::string_view range = accept.substr(0, accept.find(','));
    accept.remove_prefix(std::min(accept.size(), range.size() + 1));
    while (range.starts_with(' ')) range.remove_prefix(1);
    const MediaType type = MediaType::of(range);
    if (type.is_web && type.is_text) return true;
  }
  return false;
}

class GrpcWeb final : public Filter {
 public:
  explicit GrpcWeb(const Plan&) {}

  Verdict onRequest(RequestHead& head, Stream& stream) override {
    const auto type = MediaType::of(head.fields.get(HeaderId::ContentType).value_or(""));
    if (!type.is_web) return Verdict::pass();
    active_ = true;
    decodes_ = type.is_text;
    encodes_ = acceptsText(head.fields);
    const bool usual = type.format.empty() || equalsIgnoreCase(type.format, "+proto");
    head.fields.setView(HeaderId::ContentType,
                        stream.arena().concat("application/grpc", usual ? "" : type.format));
    head.fields.remove(HeaderId::ContentLength);  // of the text; a gRPC body has none anyway
    head.fields.setView(HeaderId::Te, "trailers");
    if (!head.fields.has(kGrpcAcceptEncoding)) {
      head.fields.setView(kGrpcAcceptEncoding, "identity");
    }
    return Verdict::pass();
  }

  Verdict onRequestBody(Chunk& chunk, Stream&) override {
    if (!decodes_) return Verdict::pass();
    bytes_.clear();
    if (!decoder_.decode(chunk.data, bytes_)) return invalid("grpc_base_64_decode_failed");
    if (chunk.end && !decoder_.atEnd()) return invalid("grpc_base_64_decode_failed_bad_size");
    chunk.data = bytes_;
    return Verdict::pass();
  }

  Verdict onRequestTrailers(Fields&, Stream&) override {
    if (!decodes_ || decoder_.atEnd()) return Verdict::pass();
    return invalid("grpc_base_64_decode_failed_bad_size");
  }

  Verdict onResponse(ResponseHead& head, Stream& stream) override {
    if (!active_) return Verdict::pass();
    const std::string_view type = head.fields.get(HeaderId::ContentType).value_or("");
    const bool says_status = head.fields.has(HeaderId::GrpcStatus);
    const bool speaks = grpc::isGrpc(head.fields) || MediaType::of(type).is_web;
    if (!says_status && (head.status != 200 || !speaks)) {
      if (!std::exchange(replaced_, true)) return Verdict::gather(BodyNeed::prefix(kMostMessage));
      replaceByStatus(head, stream);
    }
    nameType(head, type, stream.arena());
    return Verdict::pass();
  }

  Verdict onResponseBody(Chunk& chunk, Stream&) override {
    if (replaced_) {
      chunk.data = {};
    } else if (encodes_) {
      bytes_.clear();
      encode(chunk.data);
      if (chunk.end) encoder_.flush(bytes_);
      chunk.data = bytes_;
    }
    return Verdict::pass();
  }

  Verdict onResponseTrailers(Fields& trailers, Stream& stream) override {
    if (!active_) return Verdict::pass();
    if (replaced_) return Verdict::endWith({});
    const std::string frame = frameOf(trailers);
    if (!encodes_) return Verdict::endWith(stream.arena().copy(frame));
    bytes_.clear();
    encoder_.flush(bytes_);
    encoder_.encode(frame, bytes_);
    encoder_.flush(bytes_);
    return Verdict::endWith(stream.arena().copy(bytes_));
  }

 private:
  static Verdict invalid(std::string_view details) {
    return Verdict::reply(400, "Bad gRPC-web request, invalid base64 data.", details);
  }

  // An answer that is not gRPC's, from something in between: its text is the call's message.
  static void replaceByStatus(ResponseHead& head, Stream& stream) {
    const std::string_view text = stream.responseBody().substr(0, kMostMessage);
    char status[10];
    const auto end = std::to_chars(status, status + sizeof status, grpc::statusOfHttp(head.status));
    head.fields.set(HeaderId::GrpcStatus, {status, static_cast<size_t>(end.ptr - status)});
    if (text.empty()) return;
    head.fields.setView(kGrpcMessage, grpc::encodeMessage(text, stream.arena()));
  }

  void nameType(ResponseHead& head, std::string_view type, Arena& arena) const {
    std::string_view format = "+proto";
    if (!replaced_ && type.find('+') != std::string_view::npos) {
      format = type.substr(type.find('+'));
      format = format.substr(0, format.find(';'));
    }
    head.fields.setView(
        HeaderId::ContentType,
        arena.concat(encodes_ ? "application/grpc-web-text" : "application/grpc-web", format));
    head.fields.remove(HeaderId::ContentLength);
    if (replaced_) head.fields.setView(HeaderId::ContentLength, "0");
  }

  // Each message is a part of its own, so that a client can read it as soon as it is there.
  void encode(std::string_view data) {
    while (!data.empty()) {
      const size_t size = messages_.take(data);
      encoder_.encode(data.substr(0, size), bytes_);
      if (messages_.atBoundary()) encoder_.flush(bytes_);
      data.remove_prefix(size);
    }
  }

  static std::string frameOf(const Fields& trailers) {
    std::string frame(grpc::Messages::kPrefix, kTrailersFrame);
    for (const Field& field : trailers) {
      frame.append(field.name()).append(":").append(field.value()).append("\r\n");
    }
    const size_t size = frame.size() - grpc::Messages::kPrefix;
    for (size_t i = 1; i < grpc::Messages::kPrefix; ++i) {
      frame[i] = static_cast<char>(size >> (8 * (grpc::Messages::kPrefix - 1 - i)));
    }
    return frame;
  }

  bool active_ = false;
  bool decodes_ = false;   // the request is text
  bool encodes_ = false;   // … and the response is to be
  bool replaced_ = false;  // the response says its status in the head, and has no body
  Base64Decoder decoder_;
  Base64Encoder encoder_;
  grpc::Messages messages_;  // of a response that is encoded
  std::string bytes_;        // of the last piece
};

}  // namespace

void install(FilterRegistry& registry) {
  registry.add<v3::GrpcWeb, Plan, GrpcWeb>("envoy.filters.http.grpc_web");
}

}  // namespace weir::filters::grpc_web
