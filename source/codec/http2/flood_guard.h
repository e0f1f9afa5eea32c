// A FloodGuard counts what a peer can send cheaply and we answer dearly, and says when it is too
// much. The formulas for PRIORITY and WINDOW_UPDATE are Envoy's. It has no clock: a budget of
// resets grows with the streams that end well, and its owner may add to it as time passes.
//
// Not thread safe; one a session.
#pragma once

#include <algorithm>
#include <cstdint>

#include "source/codec/http2/fault.h"
#include "source/codec/http2/options.h"

namespace weir::codec {

class FloodGuard {
 public:
  explicit FloodGuard(const Http2Options& options)
      : options_(options), resets_left_(options.max_resets) {}

  void onStreamOpened() { ++opened_; }
  void onStreamDone() { refillResets(1); }
  void refillResets(uint32_t n) {
    resets_left_ = std::min<uint64_t>(options_.max_resets, uint64_t{resets_left_} + n);
  }
  // A stream ended before its time, by the peer's reset or by a fault of the peer's.
  Http2Fault onReset() {
    if (resets_left_ == 0) return Http2Fault::ResetFlood;
    --resets_left_;
    return Http2Fault::None;
  }

  // HEADERS, CONTINUATION and DATA. `useful`: has a payload or ends its stream.
  Http2Fault onPayloadFrame(bool useful) {
    empty_ = useful ? 0 : empty_ + 1;
    return empty_ > options_.max_consecutive_inbound_frames_with_empty_payload
               ? Http2Fault::EmptyFramesFlood
               : Http2Fault::None;
  }
  Http2Fault onPriority() {
    const uint64_t most = options_.max_inbound_priority_frames_per_stream * (1 + opened_);
    return ++priorities_ > most ? Http2Fault::PriorityFlood : Http2Fault::None;
  }
  Http2Fault onWindowUpdate() {
    const uint64_t per_data = options_.max_inbound_window_update_frames_per_data_frame_sent;
    const uint64_t most = 5 + 2 * (opened_ + per_data * data_sent_);
    return ++window_updates_ > most ? Http2Fault::WindowUpdateFlood : Http2Fault::None;
  }

  // A frame was written; `control`: SETTINGS, PING or RST_STREAM.
  void onWrite(bool control) {
    ++now_.frames;
    now_.control += control;
  }
  void onDataWritten() { ++data_sent_; }
  // The transport holds `unsent` of the `written` bytes of the connection's life. Frames are
  // counted by halves: what was written before `mark_` is forgotten when all of it has left.
  void onSent(uint64_t written, uint64_t unsent) {
    if (written - unsent < mark_) return;
    before_ = unsent == 0 ? Written() : now_;
    now_ = {};
    mark_ = written;
  }
  Http2Fault outbound() const {
    if (before_.control + now_.control > options_.max_outbound_control_frames) {
      return Http2Fault::OutboundControlFlood;
    }
    return before_.frames + now_.frames > options_.max_outbound_frames ? Http2Fault::OutboundFlood
                                                                       : Http2Fault::None;
  }

 private:
  struct Written {
    uint64_t frames = 0;
    uint64_t control = 0;
  };

  const Http2Options& options_;
  uint64_t opened_ = 0;
  uint64_t data_sent_ = 0;
  uint64_t priorities_ = 0;
  uint64_t window_updates_ = 0;
  uint64_t mark_ = 0;
  Written before_;
  Written now_;
  uint32_t empty_ = 0;
  uint32_t resets_left_;
};

}  // namespace weir::codec
