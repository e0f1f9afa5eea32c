// A ParseError says why bytes are not an HTTP/1 message: the status of the local reply and a stable
// reason, one for each cause, for access logs (%RESPONSE_CODE_DETAILS%) and statistics. Where Envoy
// names the same cause, the reason is Envoy's. A response is refused with 502 whatever the cause.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::codec {

struct ParseError {
  uint16_t status = 0;      // 0: no error
  std::string_view reason;  // static storage

  explicit operator bool() const { return status != 0; }
};

enum class MessageType : uint8_t { Request, Response };

// One name for each cause; the statuses and reasons are in parse_error.cc and in the README.
enum class Fault : uint8_t {
  None,
  NotHttp,
  BareCr,
  BareLf,
  HeadersTooLarge,
  UrlTooLong,
  InvalidMethod,
  InvalidUrl,
  FragmentInUrl,
  InvalidScheme,
  MissingVersion,
  InvalidVersion,
  UnsupportedVersion,
  InvalidStatusLine,
  ObsFold,
  MissingColon,
  SpaceBeforeColon,
  InvalidHeaderName,
  InvalidHeaderValue,
  HeaderNameTooLong,
  TooManyHeaders,
  InvalidHeadEnd,
  MissingHost,
  DuplicateHost,
  InvalidHost,
  InvalidContentLength,
  DuplicateContentLength,
  ContentLengthAndTransferEncoding,
  TransferEncodingInHttp10,
  InvalidTransferEncoding,
  ChunkedNotLast,
  UnsupportedTransferCoding,
  TransferEncodingNotAllowed,
  ContentLengthNotAllowed,
  BodyDisallowed,
  ExpectationFailed,
  ConnectionHeaderRejected,
  InvalidChunkSize,
  ChunkSizeTooLarge,
  InvalidChunkExtension,
  ChunkExtensionsTooLarge,
  InvalidChunkEnd,
  TrailersTooLarge,
  ForbiddenTrailer,
  TruncatedBody,
  kCount,
};

ParseError errorOf(Fault fault, MessageType type);

}  // namespace weir::codec
