#include "source/codec/http2/message_reader.h"

#include <cstring>

#include "source/codec/http1/authority.h"
#include "source/codec/http1/header_id_set.h"
#include "source/codec/http1/trailer_names.h"
#include "source/codec/http2/field_text.h"

namespace weir::codec {
namespace {

// RFC 9113 §8.2.2: what belongs to one HTTP/1 connection.
constexpr HeaderIdSet kConnectionFields = {HeaderId::Connection, HeaderId::KeepAlive,
                                           HeaderId::ProxyConnection, HeaderId::TransferEncoding,
                                           HeaderId::Upgrade};
constexpr size_t kLongestMethod = 32;
constexpr size_t kFieldOverhead = 32;   // RFC 9113 §10.5.1
constexpr size_t kLongestName = 65535;  // what a Field can hold

}  // namespace

bool FieldReader::onField(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > options_.max_head_bytes) [[unlikely]] {
    if (bytes_ > kBombFactor * (uint64_t{options_.max_head_bytes} + ChunkPool::kChunkSize)) {
      return false;
    }
    note(tooLarge());
  }
  if (isMalformed()) return true;
  Http2Fault fault = Http2Fault::None;
  if (!name.empty() && name[0] == ':') {
    // RFC 9113 §8.3: all pseudo-header fields come first.
    fault = regular_seen_ ? Http2Fault::PseudoHeaderAfterFields : onPseudo(name, value);
  } else {
    regular_seen_ = true;
    fault = readRegular(name, value);
  }
  if (fault != Http2Fault::None && (fault_ == Http2Fault::None || !isAnswerable(fault))) {
    fault_ = fault;
  }
  return true;
}

Http2Fault FieldReader::readRegular(std::string_view name, std::string_view value) {
  const HeaderId id = name.empty() ? HeaderId::Other : headerIdOf(name);
  if (id == HeaderId::Other && !isLowerToken(name)) return Http2Fault::InvalidHeaderName;
  if (!isHttp2Value(value)) return Http2Fault::InvalidHeaderValue;
  if (kConnectionFields.has(id)) return Http2Fault::ConnectionHeader;
  if (id == HeaderId::Te && !equalsIgnoreCase(value, "trailers")) return Http2Fault::InvalidTe;
  if (id == HeaderId::ContentLength) {
    const Http2Fault fault = noteLength(value);
    if (fault != Http2Fault::None) return fault;
  }
  if (id != HeaderId::Cookie || crumbs_++ == 0) ++count_;
  if (count_ > options_.max_fields) return tooMany();
  Fields* const to = fields();
  if (to == nullptr || fault_ != Http2Fault::None) return Http2Fault::None;
  if (name.size() > kLongestName) return Http2Fault::HeadersTooLarge;
  Field field;
  field.id = id;
  const std::string_view kept = id == HeaderId::Other ? to->arena().copy(name) : headerName(id);
  field.name_data = kept.data();
  field.name_size = static_cast<uint16_t>(kept.size());
  const std::string_view text = to->arena().copy(value);
  field.value_data = text.data();
  field.value_size = static_cast<uint32_t>(text.size());
  return onRegular(field);
}

Http2Fault FieldReader::noteLength(std::string_view value) {
  if (content_length_ >= 0) return Http2Fault::DuplicateContentLength;
  return readContentLength(value, content_length_) ? Http2Fault::None
                                                   : Http2Fault::InvalidContentLength;
}

Http2Fault RequestReader::onPseudo(std::string_view name, std::string_view value) {
  if (!isHttp2Value(value)) return Http2Fault::InvalidHeaderValue;
  bool* seen = nullptr;
  std::string_view* to = nullptr;
  if (name == ":method") {
    seen = &has_method_;
  } else if (name == ":scheme") {
    seen = &has_scheme_;
  } else if (name == ":path") {
    seen = &has_path_;
    to = &head_.path;
  } else if (name == ":authority") {
    seen = &has_authority_;
    to = &head_.authority;
  } else if (name == ":protocol" && options_.allow_connect) {  // RFC 8441 §4
    seen = &has_protocol_;
    to = &protocol_;
  } else {
    return Http2Fault::UnknownPseudoHeader;
  }
  if (*seen) return Http2Fault::DuplicatePseudoHeader;
  *seen = true;
  if (to == nullptr) return name == ":method" ? readMethod(value) : readScheme(value);
  *to = head_.fields.arena().copy(value);
  return Http2Fault::None;
}

Http2Fault RequestReader::readMethod(std::string_view value) {
  if (value.size() > kLongestMethod || !isToken(value)) return Http2Fault::InvalidMethod;
  head_.setMethod(head_.fields.arena().copy(value));
  return Http2Fault::None;
}

Http2Fault RequestReader::readScheme(std::string_view value) {
  if (equalsIgnoreCase(value, "https")) {
    head_.scheme = "https";
  } else if (equalsIgnoreCase(value, "http")) {
    head_.scheme = "http";
  } else {
    return Http2Fault::InvalidScheme;
  }
  return Http2Fault::None;
}

Http2Fault RequestReader::onRegular(Field& field) {
  switch (field.id) {
    case HeaderId::Host:
      if (has_host_) return Http2Fault::DuplicateHost;
      has_host_ = true;
      host_ = field.value();
      return Http2Fault::None;  // it is the authority, never a field
    case HeaderId::Expect:
      if (!equalsIgnoreCase(field.value(), "100-continue")) return Http2Fault::ExpectationFailed;
      break;
    default:
      break;
  }
  head_.fields.append(field);
  return Http2Fault::None;
}

Http2Fault RequestReader::finish() {
  if (isMalformed()) return fault_;
  Http2Fault fault = finishTarget();
  if (fault == Http2Fault::None) fault = finishAuthority();
  if (fault != Http2Fault::None && (fault_ == Http2Fault::None || !isAnswerable(fault))) {
    fault_ = fault;
  }
  if (fault_ != Http2Fault::None) return fault_;
  if (has_protocol_) {
    head_.setMethod("GET");
    head_.upgrade = true;
    head_.fields.addView(HeaderId::Upgrade, protocol_);
  }
  if (crumbs_ > 1) joinCrumbs();
  return Http2Fault::None;
}

// RFC 9113 §8.2.3: who reads HTTP/1, and filters, expect one field.
void RequestReader::joinCrumbs() {
  Fields& fields = head_.fields;
  size_t size = 0;
  for (const Field& field : fields) {
    if (field.id == HeaderId::Cookie) size += field.value_size + 2;
  }
  auto* const joined = static_cast<char*>(fields.arena().allocate(size, 1));
  char* at = joined;
  for (const Field& field : fields) {
    // An empty one would leave a space at an end, where no field value may have it.
    if (field.id != HeaderId::Cookie || field.value_size == 0) continue;
    if (at != joined) {
      *at++ = ';';
      *at++ = ' ';
    }
    std::memcpy(at, field.value_data, field.value_size);
    at += field.value_size;
  }
  fields.setView(HeaderId::Cookie, {joined, static_cast<size_t>(at - joined)});
}

// RFC 9113 §8.3.1, §8.5; RFC 8441 §4.
Http2Fault RequestReader::finishTarget() {
  if (!has_method_) return Http2Fault::MissingPseudoHeader;
  if (head_.method == Method::Connect && !has_protocol_) {
    if (has_path_ || has_scheme_) return Http2Fault::InvalidConnect;
    return has_authority_ ? Http2Fault::None : Http2Fault::MissingPseudoHeader;
  }
  if (!has_scheme_ || !has_path_) return Http2Fault::MissingPseudoHeader;
  if (has_protocol_) {
    if (head_.method != Method::Connect || !isToken(protocol_) || !has_authority_) {
      return Http2Fault::InvalidConnect;
    }
  }
  const std::string_view path = head_.path;
  if (path == "*" && head_.method == Method::Options) return Http2Fault::None;
  const bool valid = !path.empty() && path[0] == '/' && isTargetText(path);
  return valid ? Http2Fault::None : Http2Fault::InvalidPath;
}

// RFC 9113 §8.3.1: Host and :authority name one thing; each of them alone is enough.
Http2Fault RequestReader::finishAuthority() {
  const bool connect = head_.method == Method::Connect && !has_protocol_;
  if (!has_authority_) {
    if (!has_host_) return Http2Fault::MissingHost;
    head_.authority = host_;
  } else if (has_host_) {
    const size_t size = host_.size();
    if (size != head_.authority.size()) return Http2Fault::HostMismatch;
    for (size_t i = 0; i < size; ++i) {
      if (lowerOf(host_[i]) != lowerOf(head_.authority[i])) return Http2Fault::HostMismatch;
    }
  }
  const bool valid = isAuthority(head_.authority, connect ? Port::Required : Port::Optional);
  return valid ? Http2Fault::None : Http2Fault::InvalidAuthority;
}

Http2Fault ResponseReader::onPseudo(std::string_view name, std::string_view value) {
  if (name != ":status") return Http2Fault::UnknownPseudoHeader;
  if (has_status_) return Http2Fault::DuplicatePseudoHeader;
  has_status_ = true;
  if (value.size() != 3 || value[0] < '1' || !isDigit(value[0]) || !isDigit(value[1]) ||
      !isDigit(value[2])) {
    return Http2Fault::InvalidStatus;
  }
  head_.status =
      static_cast<uint16_t>((value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0'));
  // RFC 9113 §8.6: there is no switch of protocols.
  return head_.status == 101 ? Http2Fault::InvalidStatus : Http2Fault::None;
}

Http2Fault ResponseReader::onRegular(Field& field) {
  head_.fields.append(field);
  return Http2Fault::None;
}

Http2Fault ResponseReader::finish() {
  if (fault_ != Http2Fault::None) return fault_;
  if (!has_status_) return Http2Fault::MissingPseudoHeader;
  // As in HTTP/1: what follows such a head is never its body.
  const bool has_no_body = head_.status < 200 || head_.status == 204;
  if (has_no_body && content_length_ > 0) return Http2Fault::InvalidContentLength;
  return Http2Fault::None;
}

Http2Fault TrailerReader::onRegular(Field& field) {
  switch (trailerRuleOf(field)) {
    case TrailerRule::Refuse:
      return Http2Fault::ForbiddenTrailer;
    case TrailerRule::Drop:
      return Http2Fault::None;
    case TrailerRule::Keep:
      trailers_.append(field);
      return Http2Fault::None;
  }
  return Http2Fault::None;
}

}  // namespace weir::codec
