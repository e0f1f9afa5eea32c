#include "source/codec/http1/framing_fields.h"

#include <limits>

#include "source/codec/http1/token.h"

namespace weir::codec {
namespace {

// Calls `use` with each element of a comma-separated list, trimmed; empty ones, too.
template <typename Use>
void eachElement(std::string_view list, Use use) {
  for (;;) {
    const size_t comma = list.find(',');
    use(trimmed(list.substr(0, comma)));
    if (comma == list.npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Fault FramingFields::note(const Field& field, Verdict& verdict) {
  const bool request = type_ == MessageType::Request;
  verdict = Verdict::Keep;
  switch (field.id) {
    case HeaderId::Host:
      if (!request) return Fault::None;
      // RFC 9112 §3.2: more than one Host field line is answered with 400, even if they agree.
      if (has_host_) return Fault::DuplicateHost;
      has_host_ = true;
      host_ = field.value();
      verdict = Verdict::Drop;
      return Fault::None;
    case HeaderId::ContentLength:
      return noteLength(field.value());
    case HeaderId::TransferEncoding:
      noteCodings(field.value());
      verdict = Verdict::Drop;
      return Fault::None;
    case HeaderId::Connection:
      verdict = noteConnection(field.value());
      return Fault::None;
    case HeaderId::Upgrade:
      has_upgrade_ = !field.value().empty();
      return Fault::None;
    case HeaderId::Expect:
      if (request) verdict = noteExpect(field.value());
      return Fault::None;
    default:
      return Fault::None;
  }
}

// RFC 9110 §8.6: digits only. A list of equal values, or a second field, could be collapsed; it is
// refused, as no sender has a reason to write one.
Fault FramingFields::noteLength(std::string_view value) {
  if (has_length_) return Fault::DuplicateContentLength;
  const auto length = decimalOf(value);
  if (!length || *length > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Fault::InvalidContentLength;
  }
  has_length_ = true;
  length_ = *length;
  return Fault::None;
}

// RFC 9112 §6.1. Several fields are one list.
void FramingFields::noteCodings(std::string_view value) {
  has_coding_ = true;
  eachElement(value, [this](std::string_view coding) {
    if (!isToken(coding)) malformed_coding_ = true;
    if (chunked_) after_chunked_ = true;
    if (equalsIgnoreCase(coding, "chunked")) {
      chunked_ = true;
    } else {
      other_coding_ = true;
    }
  });
}

// RFC 9110 §7.6.1.
FramingFields::Verdict FramingFields::noteConnection(std::string_view value) {
  Verdict verdict = Verdict::Drop;
  eachElement(value, [&](std::string_view option) {
    if (equalsIgnoreCase(option, "keep-alive")) {
      keep_alive_ = true;
    } else if (equalsIgnoreCase(option, "close")) {
      close_ = true;
    } else {
      if (equalsIgnoreCase(option, "upgrade")) upgrade_listed_ = true;
      verdict = Verdict::Keep;
    }
  });
  return verdict;
}

// RFC 9110 §10.1.1: in HTTP/1.0 it is ignored, and must not reach an origin as HTTP/1.1.
FramingFields::Verdict FramingFields::noteExpect(std::string_view value) {
  if (protocol_ == Protocol::Http10) return Verdict::Drop;
  if (equalsIgnoreCase(value, "100-continue")) {
    expects_continue_ = true;
  } else {
    expects_other_ = true;
  }
  return Verdict::Keep;
}

Fault FramingFields::faultOfCodings() const {
  // RFC 9112 §6.3 rule 3: both at once is an attempt at smuggling or splitting.
  if (has_length_) return Fault::ContentLengthAndTransferEncoding;
  // RFC 9112 §6.1: HTTP/1.0 has no transfer codings; the framing is faulty.
  if (protocol_ == Protocol::Http10) return Fault::TransferEncodingInHttp10;
  if (malformed_coding_) return Fault::InvalidTransferEncoding;
  // RFC 9112 §6.1: chunked is the last coding, and applied once.
  if (after_chunked_) return Fault::ChunkedNotLast;
  if (other_coding_) return Fault::UnsupportedTransferCoding;
  return Fault::None;
}

// RFC 9112 §9.3.
void FramingFields::decideConnection(Framing& out) const {
  const bool http11 = protocol_ == Protocol::Http11;
  out.keep_alive = !close_ && (http11 || keep_alive_);
  // RFC 9110 §7.8: an Upgrade field in HTTP/1.0 is ignored.
  out.upgrade = http11 && upgrade_listed_ && has_upgrade_;
}

Fault FramingFields::decideRequest(Method method, Framing& out) const {
  decideConnection(out);
  if (has_coding_) {
    if (const Fault fault = faultOfCodings(); fault != Fault::None) return fault;
    out.body = BodyKind::Chunked;
  } else if (length_ != 0) {
    out.body = BodyKind::Length;
    out.length = length_;
  }
  if (method == Method::Connect) {
    // RFC 9110 §9.3.6: a CONNECT request has no content; what follows belongs to the tunnel.
    if (out.body != BodyKind::None) return Fault::BodyDisallowed;
    out.body = BodyKind::Tunnel;
  }
  // RFC 9110 §10.1.1: 417 for an expectation that is not known.
  if (expects_other_) return Fault::ExpectationFailed;
  const bool body_follows = out.body == BodyKind::Length || out.body == BodyKind::Chunked;
  out.expect_continue = expects_continue_ && body_follows;
  return Fault::None;
}

// RFC 9112 §6.3, in its order.
Fault FramingFields::decideResponse(uint16_t status, Method request_method, Framing& out,
                                    bool& drop_length) const {
  decideConnection(out);
  // Rule 2: after a 2xx to CONNECT both fields mean nothing.
  if (request_method == Method::Connect && status / 100 == 2) {
    out.body = BodyKind::Tunnel;
    drop_length = has_length_;
    return Fault::None;
  }
  if (has_coding_) {
    if (const Fault fault = faultOfCodings(); fault != Fault::None) return fault;
  }
  // RFC 9112 §6.1 and RFC 9110 §8.6: neither field in a 1xx or 204. A length of 0 harms nobody.
  if (status < 200 || status == 204) {
    if (has_coding_) return Fault::TransferEncodingNotAllowed;
    if (length_ != 0) return Fault::ContentLengthNotAllowed;
    drop_length = has_length_;
    if (status == 101) out.body = BodyKind::Tunnel;
    return Fault::None;
  }
  // Rule 1: the fields tell what a GET would have brought.
  if (request_method == Method::Head || status == 304) return Fault::None;
  if (has_coding_) {
    out.body = BodyKind::Chunked;
  } else if (has_length_) {
    if (length_ != 0) out.body = BodyKind::Length;
    out.length = length_;
  } else {
    out.body = BodyKind::UntilClose;
    out.keep_alive = false;
  }
  return Fault::None;
}

}  // namespace weir::codec
