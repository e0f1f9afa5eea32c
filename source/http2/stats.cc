#include "source/http2/stats.h"

#include <array>

namespace weir::http2 {

using codec::Http2Error;
using codec::Http2Fault;

Stats::Stats(const StatScope& s)
    : rx_reset(s.counter("rx_reset")),
      tx_reset(s.counter("tx_reset")),
      trailers(s.counter("trailers")),
      goaway_sent(s.counter("goaway_sent")),
      header_overflow(s.counter("header_overflow")),
      rx_messaging_error(s.counter("rx_messaging_error")),
      keepalive_timeout(s.counter("keepalive_timeout")),
      stream_refused_errors(s.counter("stream_refused_errors")),
      streams_active(s.gauge("streams_active")),
      inbound_empty_frames_flood_(s.counter("inbound_empty_frames_flood")),
      inbound_priority_frames_flood_(s.counter("inbound_priority_frames_flood")),
      inbound_window_update_frames_flood_(s.counter("inbound_window_update_frames_flood")),
      outbound_flood_(s.counter("outbound_flood")),
      outbound_control_flood_(s.counter("outbound_control_flood")),
      reset_flood_(s.counter("reset_flood")) {}

// An error carries its reason, not its fault; reasons are static texts, one a fault.
void Stats::count(const Http2Error& error) const {
  struct Row {
    Http2Fault fault;
    const Counter& counter;
  };
  const std::array<Row, 14> rows = {{
      {Http2Fault::RemoteReset, rx_reset},
      {Http2Fault::RemoteRefused, stream_refused_errors},
      {Http2Fault::RemoteGoaway, stream_refused_errors},
      {Http2Fault::HeaderBlockTooLarge, header_overflow},
      {Http2Fault::ContinuationFlood, header_overflow},
      {Http2Fault::HeaderBomb, header_overflow},
      {Http2Fault::HeadersTooLarge, header_overflow},
      {Http2Fault::TooManyHeaders, header_overflow},
      {Http2Fault::EmptyFramesFlood, inbound_empty_frames_flood_},
      {Http2Fault::PriorityFlood, inbound_priority_frames_flood_},
      {Http2Fault::WindowUpdateFlood, inbound_window_update_frames_flood_},
      {Http2Fault::OutboundFlood, outbound_flood_},
      {Http2Fault::OutboundControlFlood, outbound_control_flood_},
      {Http2Fault::ResetFlood, reset_flood_},
  }};
  for (const Row& row : rows) {
    if (error.reason == errorOf(row.fault, codec::MessageType::Request).reason) {
      return row.counter.add();
    }
  }
  rx_messaging_error.add();
}

}  // namespace weir::http2
