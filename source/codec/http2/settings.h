// PeerSettings are what the other side announced (RFC 9113 §6.5.2), or its defaults.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/codec/http2/fault.h"
#include "source/codec/http2/frame.h"

namespace weir::codec {

struct PeerSettings {
  uint32_t header_table_size = kDefaultHeaderTableSize;
  uint32_t max_concurrent_streams = 100;  // until its first SETTINGS (§6.5.2 recommends 100)
  uint32_t initial_window = kDefaultWindow;
  uint32_t max_frame_size = kMaxFrameSize;
  bool enable_connect = false;

  // What the first SETTINGS does not say has no limit.
  void onFirst() { max_concurrent_streams = kMaxStreamId; }
  // A SETTINGS payload, whose size is a multiple of 6. `from_server`: who sent it. What one frame
  // says several times holds as said last.
  Http2Fault apply(std::string_view payload, bool from_server);

 private:
  Http2Fault applyOne(uint16_t id, uint32_t value, bool from_server);
};

}  // namespace weir::codec
