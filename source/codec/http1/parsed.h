// What becomes of bytes that arrive in given pieces: scanner and parser put together as the proxy
// does, and their answer as one line of text to compare. Used by tests and fuzz targets only.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "source/codec/http1/head_scanner.h"
#include "source/codec/http1/parse_head.h"

namespace weir::codec {

inline std::string describe(const ParseError& error) {
  return std::to_string(error.status) + " " + std::string(error.reason);
}

inline std::string describe(const Framing& framing) {
  std::string text;
  switch (framing.body) {
    case BodyKind::None:
      text = "none";
      break;
    case BodyKind::Length:
      text = "length=" + std::to_string(framing.length);
      break;
    case BodyKind::Chunked:
      text = "chunked";
      break;
    case BodyKind::UntilClose:
      text = "close";
      break;
    case BodyKind::Tunnel:
      text = "tunnel";
      break;
  }
  text += framing.keep_alive ? " keep" : " close";
  if (framing.expect_continue) text += " 100";
  if (framing.upgrade) text += " upgrade";
  return text;
}

inline std::string orDash(std::string_view text) { return std::string(text.empty() ? "-" : text); }

// A head found in `bytes`, which become visible up to each of `ends` in turn, and then whole.
struct FoundHead {
  std::string outcome;  // why there is none; empty when there is one
  size_t begin = 0;
  size_t size = 0;
};

inline FoundHead findHead(MessageType type, std::string_view bytes, std::span<const size_t> ends,
                          size_t max_head_bytes = Limits().max_head_bytes) {
  HeadScanner scanner(type, max_head_bytes);
  for (size_t i = 0; i <= ends.size(); ++i) {
    const HeadScanner::Scan scan =
        scanner.scan(bytes.substr(0, i < ends.size() ? ends[i] : bytes.npos));
    if (scan.error) return {describe(scan.error), 0, 0};
    if (scan.size != 0) return {"", scan.skip, scan.size};
  }
  return {"incomplete", 0, 0};
}

// A head parsed from a copy in its own arena.
struct ParsedRequest {
  ParsedRequest() : arena(pool), head(arena) {}

  std::string parse(std::string_view bytes, const Limits& limits = {}) {
    const std::string_view copy = arena.copy(bytes);
    const ParseError error =
        parseRequestHead(const_cast<char*>(copy.data()), copy.size(), limits, head, framing);
    if (error) return describe(error);
    return std::string(head.method_name) + " " + orDash(head.path) + " " + orDash(head.authority) +
           " " + describe(framing) + (head.scheme.empty() ? "" : " " + std::string(head.scheme));
  }

  ChunkPool pool;
  Arena arena;
  RequestHead head;
  Framing framing;
};

struct ParsedResponse {
  ParsedResponse() : arena(pool), head(arena) {}

  std::string parse(std::string_view bytes, Method request_method, const Limits& limits = {}) {
    const std::string_view copy = arena.copy(bytes);
    const ParseError error = parseResponseHead(const_cast<char*>(copy.data()), copy.size(), limits,
                                               request_method, head, framing);
    if (error) return describe(error);
    return std::to_string(head.status) + " " + describe(framing);
  }

  ChunkPool pool;
  Arena arena;
  ResponseHead head;
  Framing framing;
};

inline std::string requestOutcome(std::string_view bytes, std::span<const size_t> ends) {
  const FoundHead found = findHead(MessageType::Request, bytes, ends);
  if (!found.outcome.empty()) return found.outcome;
  return ParsedRequest().parse(bytes.substr(found.begin, found.size));
}

inline std::string responseOutcome(std::string_view bytes, Method request_method,
                                   std::span<const size_t> ends) {
  const FoundHead found = findHead(MessageType::Response, bytes, ends);
  if (!found.outcome.empty()) return found.outcome;
  return ParsedResponse().parse(bytes.substr(found.begin, found.size), request_method);
}

}  // namespace weir::codec
