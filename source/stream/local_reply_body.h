// What a reply of Weir's own says, in the form its client reads: plain text as Envoy's, a problem
// document (RFC 9457) for clients that prefer JSON, a trailers-only response for gRPC. Pure: no
// state, memory from the stream's arena.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/arena.h"
#include "weir/head.h"
#include "weir/verdict.h"

namespace weir::stream {

struct ReplyBody {
  struct Field {
    const HeaderName* header = nullptr;  // static storage
    std::string_view value;
  };

  uint16_t status = 500;  // 200 for gRPC
  std::string_view text;  // empty: the head ends the response

  // To set on the response: content-type and content-length, or those of gRPC.
  std::span<const Field> fields() const { return {fields_.data(), size_}; }
  void add(const HeaderName& header, std::string_view value) {
    fields_[size_++] = {&header, value};
  }

 private:
  std::array<Field, 3> fields_;
  size_t size_ = 0;
};

// Whether an Accept field (RFC 9110 §12.5.1) asks for JSON rather than for text. Browsers, which
// want HTML, and clients that take anything, get text.
bool prefersJson(const Fields& request);

// A reply whose fields have a content-type of their own is sent as it is to all but gRPC clients:
// so mark the bodies an operator has written. Others become JSON, for who prefers it, from 400 on.
ReplyBody makeReplyBody(const LocalReply& reply, const RequestHead& request,
                        std::string_view request_id, Arena& arena);

}  // namespace weir::stream
