#include "source/codec/http2/fault.h"

#include <array>

namespace weir::codec {
namespace {

struct Row {
  Http2Fault fault;
  Http2Code code;
  uint16_t status;
  std::string_view reason;
};

using enum Http2Fault;
constexpr Http2Code kProtocol = Http2Code::ProtocolError;
constexpr Http2Code kFrameSize = Http2Code::FrameSizeError;
constexpr Http2Code kFlow = Http2Code::FlowControlError;
constexpr Http2Code kCalm = Http2Code::EnhanceYourCalm;

constexpr std::array<Row, static_cast<size_t>(kCount)> kRows = {{
    {None, Http2Code::NoError, 0, ""},
    {BadPreface, kProtocol, 400, "http2.bad_preface"},
    {SettingsExpected, kProtocol, 400, "http2.settings_expected"},
    {FrameTooLarge, kFrameSize, 400, "http2.frame_too_large"},
    {InvalidFrameSize, kFrameSize, 400, "http2.invalid_frame_size"},
    {InvalidPadding, kProtocol, 400, "http2.invalid_padding"},
    {InvalidStreamId, kProtocol, 400, "http2.invalid_stream_id"},
    {FrameOnIdleStream, kProtocol, 400, "http2.frame_on_idle_stream"},
    {FrameOnClosedStream, Http2Code::StreamClosed, 400, "http2.frame_on_closed_stream"},
    {ContinuationExpected, kProtocol, 400, "http2.continuation_expected"},
    {UnexpectedContinuation, kProtocol, 400, "http2.unexpected_continuation"},
    {UnexpectedPush, kProtocol, 400, "http2.unexpected_push"},
    {InvalidSettings, kProtocol, 400, "http2.invalid_settings"},
    {InvalidWindowSetting, kFlow, 400, "http2.invalid_window_setting"},
    {UnexpectedSettingsAck, kProtocol, 400, "http2.unexpected_settings_ack"},
    {InvalidHeaderBlock, Http2Code::CompressionError, 400, "http2.invalid_header_block"},
    {ZeroWindowUpdate, kProtocol, 400, "http2.zero_window_update"},
    {WindowOverflow, kFlow, 400, "http2.window_overflow"},
    {FlowControl, kFlow, 400, "http2.flow_control_violated"},
    {SelfDependency, kProtocol, 400, "http2.self_dependency"},
    {HeaderBlockTooLarge, kCalm, 431, "http2.header_block_too_large"},
    {ContinuationFlood, kCalm, 431, "http2.continuation_flood"},
    {HeaderBomb, kCalm, 431, "http2.header_bomb"},
    {EmptyFramesFlood, kCalm, 400, "http2.inbound_empty_frames_flood"},
    {PriorityFlood, kCalm, 400, "http2.inbound_priority_frames_flood"},
    {WindowUpdateFlood, kCalm, 400, "http2.inbound_window_update_frames_flood"},
    {OutboundFlood, kCalm, 400, "http2.outbound_frames_flood"},
    {OutboundControlFlood, kCalm, 400, "http2.outbound_control_frames_flood"},
    {ResetFlood, kCalm, 400, "http2.reset_flood"},
    {StreamClosed, Http2Code::StreamClosed, 400, "http2.stream_closed"},
    {TooManyStreams, Http2Code::RefusedStream, 503, "http2.too_many_streams"},
    {InvalidHeaderName, kProtocol, 400, "http2.invalid_header_name"},
    {InvalidHeaderValue, kProtocol, 400, "http2.invalid_header_value"},
    {UnknownPseudoHeader, kProtocol, 400, "http2.unknown_pseudo_header"},
    {DuplicatePseudoHeader, kProtocol, 400, "http2.duplicate_pseudo_header"},
    {PseudoHeaderAfterFields, kProtocol, 400, "http2.pseudo_header_after_fields"},
    {MissingPseudoHeader, kProtocol, 400, "http2.missing_pseudo_header"},
    {InvalidMethod, kProtocol, 400, "http2.invalid_method"},
    {InvalidScheme, kProtocol, 400, "http2.invalid_scheme"},
    {InvalidPath, kProtocol, 400, "http2.invalid_path"},
    {InvalidAuthority, kProtocol, 400, "http2.invalid_authority"},
    {HostMismatch, kProtocol, 400, "http2.host_mismatch"},
    {DuplicateHost, kProtocol, 400, "http2.duplicate_host"},
    {InvalidConnect, kProtocol, 400, "http2.invalid_connect"},
    {ConnectionHeader, kProtocol, 400, "http2.connection_header"},
    {InvalidTe, kProtocol, 400, "http2.invalid_te"},
    {InvalidContentLength, kProtocol, 400, "http2.invalid_content_length"},
    {DuplicateContentLength, kProtocol, 400, "http2.duplicate_content_length"},
    {ContentLengthMismatch, kProtocol, 400, "http2.content_length_mismatch"},
    {InvalidStatus, kProtocol, 400, "http2.invalid_status"},
    {EndOfInterim, kProtocol, 400, "http2.end_stream_in_interim"},
    {DataBeforeHead, kProtocol, 400, "http2.data_before_head"},
    {InterimFlood, kCalm, 400, "http2.interim_flood"},
    {TrailersWithoutEnd, kProtocol, 400, "http2.trailers_without_end"},
    {ForbiddenTrailer, kProtocol, 400, "http2.forbidden_trailer"},
    {UnexpectedTrailers, kProtocol, 400, "http2.unexpected_trailers"},
    {TrailersTooLarge, kCalm, 431, "http2.trailers_too_large"},
    {HeadersTooLarge, kCalm, 431, "http2.headers_too_large"},
    {TooManyHeaders, kCalm, 431, "http2.too_many_headers"},
    {MissingHost, kProtocol, 400, "http2.missing_host"},
    {ExpectationFailed, kProtocol, 417, "http2.expectation_failed"},
    {RemoteReset, Http2Code::Cancel, 503, "http2.remote_reset"},
    {RemoteRefused, Http2Code::RefusedStream, 503, "http2.remote_refuse"},
    {RemoteGoaway, Http2Code::NoError, 503, "http2.remote_goaway"},
}};

constexpr bool rowsAreInOrder() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].fault) != i) return false;
  }
  return true;
}
static_assert(rowsAreInOrder());

}  // namespace

Http2Error errorOf(Http2Fault fault, MessageType type) {
  const Row& row = kRows[static_cast<size_t>(fault)];
  const bool keeps_status = row.status == 0 || row.status == 503 || type == MessageType::Request;
  return {row.code, keeps_status ? row.status : uint16_t{502}, row.reason, false};
}

}  // namespace weir::codec
