// Heads: the part of a message that is known before its body. Field names are lower case
// everywhere (RFC 9113 §8.2); `host` is never among a request's fields, it is `authority`.
// All views point into the stream's arena or to static storage and live as long as the stream.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/fields.h"

namespace weir {

enum class Method : uint8_t { Get, Head, Post, Put, Delete, Options, Patch, Connect, Trace, Other };
enum class Protocol : uint8_t { Http10, Http11, Http2, Http3 };

std::string_view protocolName(Protocol protocol);  // "HTTP/1.1"
Method methodOf(std::string_view name);            // Other when not one of the enum's

struct RequestHead {
  explicit RequestHead(Arena& arena) : fields(arena) {}

  void setMethod(std::string_view name) {
    method_name = name;
    method = methodOf(name);
  }

  Method method = Method::Get;
  Protocol protocol = Protocol::Http11;
  bool upgrade = false;          // asks to go on in the protocol its `upgrade` field names
  std::string_view method_name;  // "GET"
  std::string_view path;  // origin-form with query: "/a?b=c"; "*" for OPTIONS *; empty for CONNECT
  std::string_view authority;  // Host, :authority, or the authority of an absolute-form target
  std::string_view scheme;     // "http" | "https"
  Fields fields;
};

struct ResponseHead {
  explicit ResponseHead(Arena& arena) : fields(arena) {}

  uint16_t status = 200;
  Protocol protocol = Protocol::Http11;
  std::string_view reason;  // only HTTP/1 has one; empty: the standard phrase is written
  Fields fields;
};

// The standard phrase for a status code (RFC 9110 §15), "Unknown" for one without.
std::string_view reasonPhrase(uint16_t status);

}  // namespace weir
