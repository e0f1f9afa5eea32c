#include "source/codec/http1/head_scanner.h"

#include <algorithm>

#include "source/codec/http1/token.h"

namespace weir::codec {

HeadScanner::Scan HeadScanner::scan(std::string_view bytes) {
  if (!start_done_) {
    if (const Fault fault = scanStart(bytes); fault != Fault::None) {
      return {0, 0, errorOf(fault, type_)};
    }
    if (!start_done_) return {};
  }
  // One byte more than allowed is looked at, never the rest of what a peer may have sent.
  const size_t limit = std::min(bytes.size(), skip_ + max_);
  if (at_ < limit) {
    const LineEnds::Found found = lines_.feed(bytes.data() + at_, limit - at_);
    if (found.fault != Fault::None) return {0, 0, errorOf(found.fault, type_)};
    if (found.size != 0) return {at_ + found.size - skip_, skip_, {}};
    at_ = limit;
  }
  if (at_ < skip_ + max_) return {};
  // RFC 9112 §3: a request-target longer than any that is served is answered with 414.
  const bool in_target = type_ == MessageType::Request && !lines_.sawLine();
  return {0, 0, errorOf(in_target ? Fault::UrlTooLong : Fault::HeadersTooLarge, type_)};
}

// Judges the first bytes as soon as they are there; start_done_ says that no more are needed. They
// hold no CR or LF, so the line scan goes on from where this stops.
Fault HeadScanner::scanStart(std::string_view bytes) {
  if (type_ == MessageType::Request) return scanRequestStart(bytes);
  constexpr std::string_view kStart = "HTTP/1.";
  const size_t size = std::min(bytes.size(), kStart.size());
  if (bytes.substr(at_, size - at_) != kStart.substr(at_, size - at_)) return Fault::NotHttp;
  at_ = size;
  start_done_ = size == kStart.size();
  return Fault::None;
}

Fault HeadScanner::scanRequestStart(std::string_view bytes) {
  if (at_ == 0 && !bytes.empty() && bytes[0] == '\r') {
    if (bytes.size() == 1) return Fault::None;
    if (bytes[1] != '\n') return Fault::BareCr;
    skip_ = 2;
    at_ = 2;
  }
  for (; at_ < bytes.size(); ++at_) {
    const char byte = bytes[at_];
    const size_t method = at_ - skip_;
    if (isTokenByte(byte) && method < kMaxMethodBytes) continue;
    if (method == 0) return byte == '\n' ? Fault::BareLf : Fault::NotHttp;
    if (byte != ' ') return Fault::InvalidMethod;
    start_done_ = true;
    break;
  }
  return Fault::None;
}

}  // namespace weir::codec
