// FramingFields collects what a head's fields say about its body, its connection and its host, and
// decides the framing (RFC 9112 §6.3). Every ambiguity is a fault: two recipients that read one
// message differently are how requests are smuggled.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http1/framing.h"
#include "source/codec/http1/header_id_set.h"
#include "source/codec/http1/parse_error.h"
#include "weir/head.h"

namespace weir::codec {

class FramingFields {
 public:
  // What the start line says.
  FramingFields(MessageType type, Protocol protocol) : type_(type), protocol_(protocol) {}

  enum class Verdict : uint8_t { Keep, Drop };

  // Whether a field of this id must be noted.
  static bool isFraming(HeaderId id) { return kIds.has(id); }
  // Drop: the framing says all that the field did (transfer-encoding, a request's host, a
  // connection that lists nothing but close and keep-alive), or HTTP/1.0 does not know it (expect).
  Fault note(const Field& field, Verdict& verdict);

  // After the last field.
  Fault decideRequest(Method method, Framing& out) const;
  // `drop_length`: the response has a content-length that it may not have; it is to be removed.
  Fault decideResponse(uint16_t status, Method request_method, Framing& out,
                       bool& drop_length) const;

  bool hasHost() const { return has_host_; }
  std::string_view host() const { return host_; }

 private:
  static constexpr HeaderIdSet kIds = {HeaderId::Host,       HeaderId::ContentLength,
                                       HeaderId::Connection, HeaderId::TransferEncoding,
                                       HeaderId::Upgrade,    HeaderId::Expect};

  Fault noteLength(std::string_view value);
  void noteCodings(std::string_view value);
  Verdict noteConnection(std::string_view value);
  Verdict noteExpect(std::string_view value);
  Fault faultOfCodings() const;
  void decideConnection(Framing& out) const;

  MessageType type_;
  Protocol protocol_;
  bool has_host_ = false;
  bool has_length_ = false;
  bool has_coding_ = false;
  bool chunked_ = false;
  bool after_chunked_ = false;  // something follows chunked
  bool other_coding_ = false;   // a coding that is not chunked
  bool malformed_coding_ = false;
  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_listed_ = false;
  bool has_upgrade_ = false;
  bool expects_continue_ = false;
  bool expects_other_ = false;
  uint64_t length_ = 0;
  std::string_view host_;
};

}  // namespace weir::codec
