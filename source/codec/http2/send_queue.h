// A SendQueue writes DATA as far as the peer's windows allow (RFC 9113 §5.2, §6.9) and keeps the
// rest with its stream. When a window opens, streams that wait take turns, a frame each. Internal
// to the codec; part of one session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "source/codec/http2/frame_writer.h"
#include "source/codec/http2/stream.h"
#include "source/codec/http2/stream_table.h"

namespace weir::codec {

class SendQueue {
 public:
  class Owner {
   public:
    // END_STREAM was written.
    virtual void onLocalEnd(Http2Stream& stream) = 0;
    // What waited is written, and more is to come.
    virtual void onUnsentGone(Http2Stream& stream) = 0;

   protected:
    ~Owner() = default;
  };

  SendQueue(FrameWriter& writer, Owner& owner) : writer_(writer), owner_(owner) {}

  void body(Http2Stream& stream, std::string_view data, bool end);
  void trailers(Http2Stream& stream, const Fields& trailers);
  // The stream is no longer open: what waits is dropped.
  void forget(Http2Stream& stream);

  // WINDOW_UPDATE for the connection, for a stream; a change of the initial window. Then drain().
  Http2Fault widen(uint32_t increment);
  Http2Fault widen(Http2Stream& stream, uint32_t increment);
  Http2Fault shift(const StreamTable& streams, int64_t difference);
  // How much of a body would be written at once.
  size_t window(const Http2Stream& stream) const {
    const int32_t least = std::min(window_, stream.send_window_);
    return least > 0 && stream.backlog_ == nullptr ? static_cast<size_t>(least) : 0;
  }
  // Writes what waits and may go now. Calls the owner, who may end streams.
  void drain();

 private:
  size_t allowed(const Http2Stream& stream) const;
  // Writes as much as is allowed and returns how much that was.
  size_t write(Http2Stream& stream, std::string_view data, bool end);
  void makeReady(Http2Stream& stream);
  Http2Stream* takeReady();
  void drainOne(Http2Stream& stream);
  void writeTrailers(Http2Stream& stream);

  FrameWriter& writer_;
  Owner& owner_;
  int32_t window_ = kDefaultWindow;  // the connection's
  Http2Stream* ready_ = nullptr;     // streams with unsent bytes and a window of their own
  Http2Stream* last_ready_ = nullptr;
};

}  // namespace weir::codec
