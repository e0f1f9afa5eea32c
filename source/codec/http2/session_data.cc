// Http2Session: the peer's DATA, and the windows it may send into.
#include <utility>

#include "source/codec/http2/session.h"

namespace weir::codec {

using Step = FrameParser::Step;

void Http2Session::onData(const Step& step) {
  if (step.begins) data_ = beginData(step);
  Http2Stream* const stream = data_;
  if (stream == nullptr) return;
  const bool end = step.last && step.header.has(kFlagEndStream);
  if (step.last) data_ = nullptr;
  if (end) onRemoteEnd(*stream);
  if (stream->discard_) {
    giveBack(*stream, static_cast<uint32_t>(step.bytes.size()));
  } else if (stream->paused_ || stream->inbox_ != nullptr) {
    if (stream->inbox_ == nullptr) stream->inbox_ = std::make_unique<Http2Stream::Inbox>();
    stream->inbox_->bytes.append(step.bytes);
    stream->inbox_->end = end;
  } else if (end || !step.bytes.empty()) {
    user_.onBody(*stream, step.bytes, end);
  }
  if (end) closeIfDone(*stream);
}

// Counts the whole frame (RFC 9113 §6.9.1) and checks what its header tells. Null: nobody wants it.
Http2Stream* Http2Session::beginData(const Step& step) {
  const uint32_t length = step.header.length;
  const bool end = step.header.has(kFlagEndStream);
  if (const Http2Fault flood = guard_.onPayloadFrame(step.payload != 0 || end);
      flood != Http2Fault::None) {
    fail(flood);
    return nullptr;
  }
  if (static_cast<int64_t>(length) > receive_window_) {
    fail(Http2Fault::FlowControl);
    return nullptr;
  }
  receive_window_ -= static_cast<int32_t>(length);
  Http2Stream* const stream = findForData(step.header.stream);
  if (stream == nullptr) {
    if (!failed_) giveBackConnection(length);
    return nullptr;
  }
  if (static_cast<int64_t>(length) > stream->receive_window_) {
    giveBackConnection(length);
    failStream(*stream, Http2Fault::FlowControl);
    return nullptr;
  }
  stream->receive_window_ -= static_cast<int32_t>(length);
  stream->unconsumed_ += length;
  stream->received_.total += kFrameHeaderSize + length;
  if (stream->content_left_ >= 0) {  // §8.1.1
    stream->content_left_ -= step.payload;
    if (stream->content_left_ < 0 || (end && stream->content_left_ != 0)) {
      rejectMessage(*stream, Http2Fault::ContentLengthMismatch);
      return nullptr;
    }
  }
  if (length != step.payload) giveBack(*stream, length - step.payload);
  return stream;
}

Http2Stream* Http2Session::findForData(uint32_t id) {
  Http2Stream* const stream = streams_.find(id);
  if (stream == nullptr) {
    if (isIdle(id)) {
      fail(Http2Fault::FrameOnIdleStream);
    } else if (closed_.howOf(id) != ClosedStreams::How::Reset) {
      fail(Http2Fault::FrameOnClosedStream);
    }
    return nullptr;
  }
  if (stream->remote_ended_) {
    failStream(*stream, Http2Fault::StreamClosed);
    return nullptr;
  }
  if (!stream->head_done_) {
    rejectMessage(*stream, Http2Fault::DataBeforeHead);
    return nullptr;
  }
  return stream;
}

void Http2Session::consume(Http2Stream& stream, size_t size) {
  if (!stream.open_) return;
  assert(size <= stream.unconsumed_);
  giveBack(stream, static_cast<uint32_t>(size));
  announceOutput();
}

// Told the peer when it is half a window: not with every piece, and before it runs dry.
void Http2Session::giveBack(Http2Stream& stream, uint32_t size) {
  stream.unconsumed_ -= size;
  stream.unreported_ += size;
  if (!stream.remote_ended_ && stream.unreported_ != 0 &&
      uint64_t{stream.unreported_} * 2 >= options_.initial_stream_window) {
    writer_.windowUpdate(stream.id_, stream.unreported_);
    stream.receive_window_ += static_cast<int32_t>(std::exchange(stream.unreported_, 0));
  }
  giveBackConnection(size);
}

void Http2Session::giveBackConnection(uint32_t size) {
  unreported_ += size;
  const uint32_t window = std::max(options_.initial_connection_window, kDefaultWindow);
  if (failed_ || uint64_t{unreported_} * 2 < window) return;
  writer_.windowUpdate(0, unreported_);
  receive_window_ += static_cast<int32_t>(std::exchange(unreported_, 0));
}

}  // namespace weir::codec
