// Http2Session: what the peer's frames do.
#include <utility>

#include "source/codec/http2/message_reader.h"
#include "source/codec/http2/session.h"

namespace weir::codec {

using Step = FrameParser::Step;

size_t Http2Session::receive(std::string_view input) {
  size_t taken = 0;
  while (!failed_) {
    const Step step = parser_.next(input.substr(taken));
    taken += step.consumed;
    if (step.kind == Step::NeedMore) {
      if (step.consumed == 0) break;
      continue;
    }
    onStep(step);
    if (const Http2Fault flood = guard_.outbound(); flood != Http2Fault::None) fail(flood);
  }
  announceOutput();
  return failed_ ? input.size() : taken;
}

void Http2Session::onStep(const Step& step) {
  switch (step.kind) {
    case Step::Data:
      return onData(step);
    case Step::Block:
      return onBlock(step);
    case Step::Frame:
      return onFrame(step.header, step.bytes);
    case Step::Error:
      return fail(step.fault);
    case Step::NeedMore:
      return;
  }
}

void Http2Session::onFrame(const FrameHeader& header, std::string_view payload) {
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::Priority:
      return onPriority(header, payload);
    case FrameType::RstStream:
      return onRstStream(header, payload);
    case FrameType::Settings:
      return header.has(kFlagAck) ? onSettingsAck() : onSettings(payload);
    case FrameType::PushPromise:
      return fail(Http2Fault::UnexpectedPush);  // RFC 9113 §8.4: nobody may push to us
    case FrameType::Ping:
      return onPing(header, payload);
    case FrameType::Goaway:
      return onGoaway(payload);
    case FrameType::WindowUpdate:
      return onWindowUpdate(header, payload);
    default:
      return;  // §5.5: unknown types are ignored
  }
}

void Http2Session::onBlock(const Step& block) {
  const FrameHeader& header = block.header;
  const bool useful = !block.bytes.empty() || header.has(kFlagEndStream);
  if (const Http2Fault flood = guard_.onPayloadFrame(useful); flood != Http2Fault::None) {
    return fail(flood);
  }
  Http2Stream* const stream = streams_.find(header.stream);
  if (stream == nullptr) return onBlockOfNone(block);
  if (stream->remote_ended_) {  // §5.1 half-closed (remote)
    if (skip(block.bytes)) failStream(*stream, Http2Fault::StreamClosed);
    return;
  }
  if (block.depends_on == header.stream) {  // RFC 7540 §5.3.1
    if (skip(block.bytes)) failStream(*stream, Http2Fault::SelfDependency);
    return;
  }
  stream->head_done_ ? onTrailerBlock(block, *stream) : onHeadBlock(block, stream);
}

void Http2Session::onBlockOfNone(const Step& block) {
  const uint32_t id = block.header.stream;
  if (isIdle(id)) {
    if (!isServer() || id % 2 == 0) return fail(Http2Fault::InvalidStreamId);  // §5.1.1
    return onHeadBlock(block, nullptr);
  }
  switch (closed_.howOf(id)) {
    case ClosedStreams::How::Reset:
      skip(block.bytes);  // was under way
      return;
    case ClosedStreams::How::Ended:
      return fail(Http2Fault::FrameOnClosedStream);
    case ClosedStreams::How::Unknown:
      return fail(Http2Fault::InvalidStreamId);
  }
}

void Http2Session::onTrailerBlock(const Step& block, Http2Stream& stream) {
  stream.count(stream.received_, block.bytes.size());
  if (stream.discard_) {
    if (!skip(block.bytes)) return;
    if (block.header.has(kFlagEndStream)) onRemoteEnd(stream);
    return closeIfDone(stream);
  }
  Arena& arena = user_.arenaOf(stream);
  auto* const trailers = arena.make<Fields>(arena);
  TrailerReader reader(options_, *trailers);
  Http2Fault fault = decode(block.bytes, reader);
  if (fault != Http2Fault::None) return fail(fault);
  fault = reader.finish();
  if (!block.header.has(kFlagEndStream)) fault = Http2Fault::TrailersWithoutEnd;  // §8.1
  if (stream.tunnel_) fault = Http2Fault::UnexpectedTrailers;                     // §8.5
  if (fault == Http2Fault::None && stream.content_left_ > 0) {
    fault = Http2Fault::ContentLengthMismatch;
  }
  if (fault == Http2Fault::TrailersTooLarge) return failStream(stream, fault);
  if (fault != Http2Fault::None) return rejectMessage(stream, fault);
  onRemoteEnd(stream);
  if (stream.paused_ || stream.inbox_ != nullptr) {
    if (stream.inbox_ == nullptr) stream.inbox_ = std::make_unique<Http2Stream::Inbox>();
    stream.inbox_->trailers = trailers;
    stream.inbox_->end = true;
    return;
  }
  user_.onTrailers(stream, *trailers);
  closeIfDone(stream);
}

void Http2Session::onPriority(const FrameHeader& header, std::string_view payload) {
  if (const Http2Fault flood = guard_.onPriority(); flood != Http2Fault::None) return fail(flood);
  if ((readUint32(payload.data()) & kMaxStreamId) != header.stream) return;
  Http2Stream* const stream = streams_.find(header.stream);
  stream != nullptr ? failStream(*stream, Http2Fault::SelfDependency)
                    : fail(Http2Fault::SelfDependency);
}

void Http2Session::onRstStream(const FrameHeader& header, std::string_view payload) {
  Http2Stream* const stream = streams_.find(header.stream);
  if (stream == nullptr) {
    if (isIdle(header.stream)) fail(Http2Fault::FrameOnIdleStream);
    return;
  }
  const auto code = static_cast<Http2Code>(readUint32(payload.data()));
  if (!isServer() && stream->remote_ended_ && code == Http2Code::NoError) {
    // §8.1: the response is complete, and the rest of the request is not wanted.
    sender_.forget(*stream);
    stream->local_ended_ = true;
    return closeIfDone(*stream);
  }
  unlink(*stream, ClosedStreams::How::Ended);
  const bool refused = code == Http2Code::RefusedStream;
  Http2Error error = errorFor(refused ? Http2Fault::RemoteRefused : Http2Fault::RemoteReset);
  error.code = code;
  error.unprocessed = refused;
  user_.onReset(*stream, error);
  if (!isServer()) return;
  if (const Http2Fault flood = guard_.onReset(); flood != Http2Fault::None) fail(flood);
}

void Http2Session::onSettings(std::string_view payload) {
  if (!std::exchange(settings_received_, true)) peer_.onFirst();
  const PeerSettings before = peer_;
  Http2Fault fault = peer_.apply(payload, !isServer());
  if (fault != Http2Fault::None) return fail(fault);
  if (peer_.header_table_size != before.header_table_size) {
    writer_.setTableSize(peer_.header_table_size);
  }
  const int64_t difference = int64_t{peer_.initial_window} - before.initial_window;
  if (difference != 0) fault = sender_.shift(streams_, difference);  // §6.9.2
  if (fault != Http2Fault::None) return fail(fault);
  writer_.settingsAck();
  sender_.drain();
  onPeerSettings();
}

void Http2Session::onSettingsAck() {
  if (settings_unacked_ == 0) return fail(Http2Fault::UnexpectedSettingsAck);
  --settings_unacked_;
  settings_acked_ = true;
  if (decoder_ != nullptr && options_.header_table_size != kDefaultHeaderTableSize) {
    decoder_->setTableSize(options_.header_table_size);
  }
  if (options_.initial_stream_window >= kDefaultWindow) return;
  stream_window_ = options_.initial_stream_window;
  const auto less = static_cast<int32_t>(kDefaultWindow - stream_window_);
  streams_.forEach([less](Http2Stream& stream) { stream.receive_window_ -= less; });
}

void Http2Session::onPing(const FrameHeader& header, std::string_view payload) {
  const uint64_t opaque =
      uint64_t{readUint32(payload.data())} << 32 | readUint32(payload.data() + 4);
  header.has(kFlagAck) ? user_.onPingAck(opaque) : writer_.ping(opaque, true);
}

void Http2Session::onGoaway(std::string_view payload) {
  const uint32_t last = readUint32(payload.data()) & kMaxStreamId;
  const auto code = static_cast<Http2Code>(readUint32(payload.data() + 4));
  goaway_received_ = true;
  if (!isServer()) {
    Http2Error error = errorFor(Http2Fault::RemoteGoaway);
    error.code = code;
    error.unprocessed = true;
    for (Http2Stream* stream : openStreams()) {
      if (!stream->open_ || stream->id_ <= last) continue;
      unlink(*stream, ClosedStreams::How::Reset);
      user_.onReset(*stream, error);
    }
  }
  user_.onGoaway(last, code);
}

void Http2Session::onWindowUpdate(const FrameHeader& header, std::string_view payload) {
  if (const Http2Fault flood = guard_.onWindowUpdate(); flood != Http2Fault::None) {
    return fail(flood);
  }
  const uint32_t increment = readUint32(payload.data()) & kMaxWindow;
  if (header.stream == 0) {
    const Http2Fault fault =
        increment == 0 ? Http2Fault::ZeroWindowUpdate : sender_.widen(increment);
    if (fault != Http2Fault::None) return fail(fault);
  } else if (Http2Stream* const stream = streams_.find(header.stream); stream != nullptr) {
    const Http2Fault fault =
        increment == 0 ? Http2Fault::ZeroWindowUpdate : sender_.widen(*stream, increment);
    if (fault != Http2Fault::None) return failStream(*stream, fault);
  } else if (isIdle(header.stream)) {
    return fail(Http2Fault::FrameOnIdleStream);
  }
  sender_.drain();
}

}  // namespace weir::codec
