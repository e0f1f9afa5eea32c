// Any bytes as an HTTP/1 request head. Byte 0 is how they arrive, the rest is the message.
#include "source/codec/http1/encode.h"
#include "source/codec/http1/parsed.h"
#include "test/fuzz/head_invariants.h"
#include "test/fuzz/pieces.h"

namespace weir::fuzz {
namespace {

using codec::FoundHead;
using codec::ParsedRequest;

std::string encoded(ParsedRequest& parsed) {
  const auto connection =
      parsed.framing.upgrade ? codec::ConnectionOption::Upgrade : codec::ConnectionOption::None;
  return std::string(codec::encodeRequestHead(parsed.head, parsed.framing.body,
                                              parsed.framing.length, connection, parsed.arena));
}

bool isRefused(const std::string& outcome) {
  return outcome.size() > 4 && outcome.compare(3, 7, " http1.") == 0;
}

void checkRoundTrip(ParsedRequest& first) {
  requireSaneFields(first.head.fields);
  require(isOneLine(first.head.path) && isOneLine(first.head.authority), "start line");
  // An HTTP/1.0 request may have no host; what is written for it is no legal HTTP/1.1 request.
  if (first.head.authority.empty()) return;
  const std::string once = encoded(first);
  const FoundHead found = codec::findHead(codec::MessageType::Request, once, {});
  require(found.begin == 0 && found.size == once.size(), "the encoded head is one head");
  ParsedRequest second;
  require(!isRefused(second.parse(once)), "the encoded head is accepted");
  require(second.framing.body == first.framing.body, "body");
  require(second.framing.length == first.framing.length, "length");
  require(second.head.method_name == first.head.method_name, "method");
  require(second.head.path == first.head.path, "path");
  require(second.head.authority == first.head.authority, "authority");
  require(second.framing.upgrade == first.framing.upgrade, "upgrade");
  requireSameFields(first.head.fields, second.head.fields, first.framing.upgrade);
  require(encoded(second) == once, "encoding is stable");
}

void run(std::string_view bytes, uint8_t pattern) {
  const std::string whole = codec::requestOutcome(bytes, {});
  require(codec::requestOutcome(bytes, pieceEnds(pattern, bytes.size())) == whole,
          "same in pieces");

  // The parser stands alone: bytes that no scanner has seen, and what it accepts the scanner does.
  ParsedRequest raw;
  if (!isRefused(raw.parse(bytes))) {
    const FoundHead found = codec::findHead(codec::MessageType::Request, bytes, {}, bytes.size());
    require(found.begin == 0 && found.size == bytes.size(), "scanner agrees with parser");
    checkRoundTrip(raw);
  }
  const FoundHead found = codec::findHead(codec::MessageType::Request, bytes, {});
  if (found.size == 0) return;
  ParsedRequest parsed;
  if (!isRefused(parsed.parse(bytes.substr(found.begin, found.size)))) checkRoundTrip(parsed);
}

}  // namespace
}  // namespace weir::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  weir::fuzz::run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0]);
  return 0;
}
