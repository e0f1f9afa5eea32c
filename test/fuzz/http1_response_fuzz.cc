// Any bytes as an HTTP/1 response head. Byte 0 is how they arrive, byte 1 the method of the request
// that is answered, the rest is the message.
#include "source/codec/http1/encode.h"
#include "source/codec/http1/parsed.h"
#include "test/fuzz/head_invariants.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using codec::FoundHead;
using codec::ParsedResponse;

std::string encoded(ParsedResponse& parsed, Method method) {
  return std::string(codec::encodeResponseHead(parsed.head, parsed.framing.body,
                                               parsed.framing.length, method,
                                               codec::ConnectionOption::None, parsed.arena));
}

bool isRefused(const std::string& outcome) { return outcome.compare(0, 10, "502 http1.") == 0; }

void checkRoundTrip(ParsedResponse& first, Method method) {
  requireSaneFields(first.head.fields);
  require(isOneLine(first.head.reason), "reason");
  const std::string once = encoded(first, method);
  const FoundHead found = codec::findHead(codec::MessageType::Response, once, {}, once.size());
  require(found.begin == 0 && found.size == once.size(), "the encoded head is one head");
  ParsedResponse second;
  require(!isRefused(second.parse(once, method)), "the encoded head is accepted");
  require(second.head.status == first.head.status, "status");
  require(second.framing.body == first.framing.body, "body");
  require(second.framing.length == first.framing.length, "length");
  requireSameFields(first.head.fields, second.head.fields);
  require(encoded(second, method) == once, "encoding is stable");
}

void run(std::string_view bytes, uint8_t pattern, Method method) {
  const std::string whole = codec::responseOutcome(bytes, method, {});
  require(codec::responseOutcome(bytes, method, pieceEnds(pattern, bytes.size())) == whole,
          "same in pieces");

  ParsedResponse raw;
  if (!isRefused(raw.parse(bytes, method))) {
    const FoundHead found = codec::findHead(codec::MessageType::Response, bytes, {}, bytes.size());
    require(found.size == bytes.size(), "scanner agrees with parser");
    checkRoundTrip(raw, method);
  }
  const FoundHead found = codec::findHead(codec::MessageType::Response, bytes, {});
  if (found.size == 0) return;
  ParsedResponse parsed;
  if (!isRefused(parsed.parse(bytes.substr(0, found.size), method))) checkRoundTrip(parsed, method);
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  constexpr weir::Method kMethods[] = {weir::Method::Get, weir::Method::Head,
                                       weir::Method::Connect};
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 2, size - 2}, data[0],
                  kMethods[data[1] % 3]);
  return 0;
}
