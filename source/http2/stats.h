// The statistics of the HTTP/2 codec of one side: "http2.…" for all listeners together,
// "cluster.<name>.http2.…" for a cluster; names and meanings are Envoy's.
#pragma once

#include "source/codec/http2/fault.h"
#include "weir/stats.h"

namespace weir::http2 {

struct Stats {
  Stats() = default;  // counts nothing
  // `scope` is the one that ends in "http2".
  explicit Stats(const StatScope& scope);

  Counter rx_reset, tx_reset, trailers, goaway_sent, header_overflow, rx_messaging_error,
      keepalive_timeout, stream_refused_errors;
  Gauge streams_active;

  // Why a stream or a connection was given up.
  void count(const codec::Http2Error& error) const;

 private:
  Counter inbound_empty_frames_flood_, inbound_priority_frames_flood_,
      inbound_window_update_frames_flood_, outbound_flood_, outbound_control_flood_, reset_flood_;
};

}  // namespace weir::http2
