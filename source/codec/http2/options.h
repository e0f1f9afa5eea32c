// Http2Options are the knobs of one HTTP/2 connection, filled once from Http2ProtocolOptions and
// the listener's or cluster's limits, and outliving every session made with them. The defaults are
// safe at the edge (Envoy's edge guide); 0 is a limit of zero, never "none".
#pragma once

#include <cstdint>
#include <vector>

#include "source/codec/http2/frame.h"

namespace weir::codec {

struct Http2Setting {
  uint16_t id;
  uint32_t value;
};

struct Http2Options {
  // hpack_table_size: of the decoder (announced) and the most the encoder uses.
  uint32_t header_table_size = kDefaultHeaderTableSize;
  // A server's announced limit; what a client opens at most, whatever the server allows.
  uint32_t max_concurrent_streams = 100;
  uint32_t initial_stream_window = 64 * 1024;
  // At least kDefaultWindow: the protocol has no way to begin with less.
  uint32_t initial_connection_window = 1024 * 1024;
  // RFC 8441; a client asks for it by sending a request with an `upgrade` field.
  bool allow_connect = false;
  // Frames written that the transport has not sent yet, all and control frames alone.
  uint32_t max_outbound_frames = 10000;
  uint32_t max_outbound_control_frames = 1000;
  uint32_t max_consecutive_inbound_frames_with_empty_payload = 1;
  uint32_t max_inbound_priority_frames_per_stream = 100;
  uint32_t max_inbound_window_update_frames_per_data_frame_sent = 10;
  // A malformed message costs its stream (true) or the connection (false, as in Envoy).
  bool stream_error_on_invalid_http_messaging = false;
  // custom_settings_parameters. Those that have an option of their own are not announced: whoever
  // fills this refuses a contradiction.
  std::vector<Http2Setting> custom_settings;

  // Names and values of a head, plus 32 a field (RFC 9113 §10.5.1); announced. Trailers, too.
  uint32_t max_head_bytes = 60 * 1024;
  uint32_t max_fields = 100;  // crumbs of a cookie count once
  uint32_t max_continuations = 16;
  // Server: streams the client may end before their time. One that ends well gives one back.
  uint32_t max_resets = 500;
};

}  // namespace weir::codec
