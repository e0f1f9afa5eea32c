// An Http2Error says why a stream or a connection ended before its time: the code for the peer, the
// status of a local reply, and a stable reason, one for each cause, for access logs
// (%RESPONSE_CODE_DETAILS%) and statistics. Where Envoy names the same cause, the reason is
// Envoy's. The table is in fault.cc and in README.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http1/parse_error.h"
#include "source/codec/http2/frame.h"

namespace weir::codec {

struct Http2Error {
  Http2Code code = Http2Code::NoError;
  uint16_t status = 0;
  std::string_view reason;  // static storage
  // The peer did not process the request: it may be sent again.
  bool unprocessed = false;

  ParseError parseError() const { return {status, reason}; }
};

enum class Http2Fault : uint8_t {
  None,
  // Of a connection.
  BadPreface,
  SettingsExpected,
  FrameTooLarge,
  InvalidFrameSize,
  InvalidPadding,
  InvalidStreamId,
  FrameOnIdleStream,
  FrameOnClosedStream,
  ContinuationExpected,
  UnexpectedContinuation,
  UnexpectedPush,
  InvalidSettings,
  InvalidWindowSetting,
  UnexpectedSettingsAck,
  InvalidHeaderBlock,
  // Of a connection or a stream.
  ZeroWindowUpdate,
  WindowOverflow,
  FlowControl,
  SelfDependency,
  // Floods: of a connection.
  HeaderBlockTooLarge,
  ContinuationFlood,
  HeaderBomb,
  EmptyFramesFlood,
  PriorityFlood,
  WindowUpdateFlood,
  OutboundFlood,
  OutboundControlFlood,
  ResetFlood,
  // Of a stream.
  StreamClosed,
  TooManyStreams,
  // Of a message.
  InvalidHeaderName,
  InvalidHeaderValue,
  UnknownPseudoHeader,
  DuplicatePseudoHeader,
  PseudoHeaderAfterFields,
  MissingPseudoHeader,
  InvalidMethod,
  InvalidScheme,
  InvalidPath,
  InvalidAuthority,
  HostMismatch,
  DuplicateHost,
  InvalidConnect,
  ConnectionHeader,
  InvalidTe,
  InvalidContentLength,
  DuplicateContentLength,
  ContentLengthMismatch,
  InvalidStatus,
  EndOfInterim,
  DataBeforeHead,
  InterimFlood,
  TrailersWithoutEnd,
  ForbiddenTrailer,
  UnexpectedTrailers,
  TrailersTooLarge,
  // Of a request that is a message, and gets an answer.
  HeadersTooLarge,
  TooManyHeaders,
  MissingHost,
  ExpectationFailed,
  // What peers do.
  RemoteReset,
  RemoteRefused,
  RemoteGoaway,
  kCount,
};

// `type` is what was being received: for a response the status is 502.
Http2Error errorOf(Http2Fault fault, MessageType type);

// Whether a request with this fault is well-formed HTTP, only refused: it gets its status as an
// answer, not a reset.
constexpr bool isAnswerable(Http2Fault fault) {
  return fault >= Http2Fault::HeadersTooLarge && fault <= Http2Fault::ExpectationFailed;
}

}  // namespace weir::codec
