#include "source/codec/http1/parse_head.h"

#include <cstring>

#include "source/codec/http1/authority.h"
#include "source/codec/http1/byte_sets.h"
#include "source/codec/http1/field_section.h"
#include "source/codec/http1/framing_fields.h"
#include "source/codec/http1/head_scanner.h"
#include "source/codec/http1/request_target.h"
#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

constexpr size_t kVersionBytes = 8;  // "HTTP/1.1"

// RFC 9112 §2.3. `at` has kVersionBytes bytes.
Fault readVersion(const char* at, Protocol& protocol) {
  if (std::memcmp(at, "HTTP/1.1", kVersionBytes) == 0) {
    protocol = Protocol::Http11;
    return Fault::None;
  }
  if (std::memcmp(at, "HTTP/1.0", kVersionBytes) == 0) {
    protocol = Protocol::Http10;
    return Fault::None;
  }
  const bool shaped =
      std::memcmp(at, "HTTP/", 5) == 0 && isDigit(at[5]) && at[6] == '.' && isDigit(at[7]);
  return shaped ? Fault::UnsupportedVersion : Fault::InvalidVersion;
}

// method SP request-target SP HTTP-version CRLF (RFC 9112 §3); exactly one space at both places.
Fault readRequestLine(FieldSection& section, char* data, size_t size, RequestHead& out,
                      TargetForm& form) {
  const size_t method = section.nextNotToken(0);
  if (method == 0 || method >= size || method > HeadScanner::kMaxMethodBytes ||
      data[method] != ' ') {
    return Fault::InvalidMethod;
  }
  out.setMethod({data, method});

  const size_t target = method + 1;
  const size_t end = findTargetEnd(data, target, size);
  if (end < size && data[end] == '#') return Fault::FragmentInUrl;
  if (end < size && data[end] == '\r' && end > target) return Fault::MissingVersion;
  if (end >= size || data[end] != ' ' || end == target) return Fault::InvalidUrl;

  const size_t version = end + 1;
  if (size - version < kVersionBytes + 2) return Fault::InvalidVersion;
  if (const Fault fault = readVersion(data + version, out.protocol); fault != Fault::None) {
    return fault;
  }
  const size_t line_end = version + kVersionBytes;
  if (data[line_end] != '\r' || data[line_end + 1] != '\n') return Fault::InvalidVersion;
  section.moveTo(line_end + 2);
  return readTarget({data + target, end - target}, out, form);
}

// HTTP-version SP status-code SP [reason-phrase] CRLF (RFC 9112 §4); the second space may be
// missing when there is no phrase, as many servers have it.
Fault readStatusLine(FieldSection& section, char* data, size_t size, ResponseHead& out) {
  constexpr size_t kStatus = kVersionBytes + 1;
  constexpr size_t kAfterStatus = kStatus + 3;
  if (size < kAfterStatus + 2) return Fault::InvalidStatusLine;
  if (const Fault fault = readVersion(data, out.protocol); fault != Fault::None) return fault;
  if (data[kVersionBytes] != ' ') return Fault::InvalidStatusLine;
  const char* code = data + kStatus;
  if (code[0] < '1' || code[0] > '9' || !isDigit(code[1]) || !isDigit(code[2])) {
    return Fault::InvalidStatusLine;
  }
  out.status =
      static_cast<uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));

  const size_t end = section.nextNotValue(kAfterStatus);
  if (end + 1 >= size || data[end] != '\r' || data[end + 1] != '\n') {
    return Fault::InvalidStatusLine;
  }
  out.reason = {};
  if (end > kAfterStatus) {
    if (data[kAfterStatus] != ' ') return Fault::InvalidStatusLine;
    out.reason = {data + kAfterStatus + 1, end - kAfterStatus - 1};
  }
  section.moveTo(end + 2);
  return Fault::None;
}

Fault readFields(FieldSection& section, const Limits& limits, Fields& out, FramingFields& framing,
                 uint32_t& bytes) {
  const size_t begin = section.at();
  uint32_t count = 0;
  for (; !section.atEnd(); ++count) {
    if (count == limits.max_fields) return Fault::TooManyHeaders;
    Field field;
    if (const Fault fault = section.next(field); fault != Fault::None) return fault;
    if (FramingFields::isFraming(field.id)) {
      FramingFields::Verdict verdict;
      if (const Fault fault = framing.note(field, verdict); fault != Fault::None) return fault;
      if (verdict == FramingFields::Verdict::Drop) continue;
    }
    out.append(field);
  }
  // Envoy does not count the space that nearly always stands behind the colon.
  bytes = static_cast<uint32_t>(section.at() - begin) - count;
  return section.endsHere() ? Fault::None : Fault::InvalidHeadEnd;
}

// RFC 9112 §3.2 and §3.2.2.
Fault resolveHost(const FramingFields& fields, TargetForm form, RequestHead& out) {
  if (!fields.hasHost() && out.protocol == Protocol::Http11) return Fault::MissingHost;
  const std::string_view host = fields.host();
  if (!host.empty() && !isAuthority(host)) return Fault::InvalidHost;
  switch (form) {
    case TargetForm::Absolute:
    case TargetForm::Authority:
      return Fault::None;  // the target's authority overrides Host
    case TargetForm::Asterisk:
      break;  // a server as a whole needs no name: an empty Host is right
    case TargetForm::Origin:
      // RFC 9110 §4.2.1: an http URI with an empty host is invalid. HTTP/1.0 may have none at all.
      if (host.empty() && out.protocol == Protocol::Http11) return Fault::InvalidHost;
      break;
  }
  out.authority = host;
  return Fault::None;
}

Fault readRequest(char* data, size_t size, const Limits& limits, RequestHead& out,
                  Framing& framing) {
  FieldSection section(data, size);
  TargetForm form = TargetForm::Origin;
  Fault fault = readRequestLine(section, data, size, out, form);
  if (fault != Fault::None) return fault;
  FramingFields fields(MessageType::Request, out.protocol);
  fault = readFields(section, limits, out.fields, fields, framing.field_bytes);
  if (fault == Fault::None) fault = resolveHost(fields, form, out);
  if (fault == Fault::None) fault = fields.decideRequest(out.method, framing);
  return fault;
}

Fault readResponse(char* data, size_t size, const Limits& limits, Method request_method,
                   ResponseHead& out, Framing& framing) {
  FieldSection section(data, size);
  Fault fault = readStatusLine(section, data, size, out);
  if (fault != Fault::None) return fault;
  FramingFields fields(MessageType::Response, out.protocol);
  fault = readFields(section, limits, out.fields, fields, framing.field_bytes);
  if (fault != Fault::None) return fault;
  bool drop_length = false;
  fault = fields.decideResponse(out.status, request_method, framing, drop_length);
  if (drop_length) out.fields.remove(HeaderId::ContentLength);
  return fault;
}

}  // namespace

ParseError parseRequestHead(char* data, size_t size, const Limits& limits, RequestHead& out,
                            Framing& framing) {
  framing = {};
  return errorOf(readRequest(data, size, limits, out, framing), MessageType::Request);
}

ParseError parseResponseHead(char* data, size_t size, const Limits& limits, Method request_method,
                             ResponseHead& out, Framing& framing) {
  framing = {};
  return errorOf(readResponse(data, size, limits, request_method, out, framing),
                 MessageType::Response);
}

}  // namespace weir::codec
