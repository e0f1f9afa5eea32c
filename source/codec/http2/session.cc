#include "source/codec/http2/session.h"

#include <utility>

#include "source/codec/http2/message_reader.h"

namespace weir::codec {

Http2Session::Http2Session(Role role, const Http2Options& options, ChunkPool& pool,
                           Http2SessionUser& user)
    : options_(options),
      guard_(options),
      writer_(options, pool, guard_),
      role_(role),
      user_(user),
      parser_(options, role == Role::Server),
      sender_(writer_, *this),
      // A smaller window holds when the peer knows of it, a larger one at once.
      stream_window_(std::max(options.initial_stream_window, kDefaultWindow)) {}

Http2Session::~Http2Session() { assert(streams_.size() == 0); }

void Http2Session::begin() {
  if (!isServer()) writer_.clientPreface();
  writer_.settings(isServer());
  ++settings_unacked_;
  if (options_.initial_connection_window > kDefaultWindow) {
    writer_.windowUpdate(0, options_.initial_connection_window - kDefaultWindow);
    receive_window_ = static_cast<int32_t>(options_.initial_connection_window);
  }
  announceOutput();
}

Http2Error Http2Session::errorFor(Http2Fault fault) const {
  return errorOf(fault, isServer() ? MessageType::Request : MessageType::Response);
}

void Http2Session::announceOutput() {
  if (output().empty()) return;
  if (output_announced_ && views_announced_ == output().pointsOutside()) return;
  output_announced_ = true;
  views_announced_ = output().pointsOutside();
  user_.onOutput();
}

void Http2Session::clearOutput() {
  written_ += output().size();
  writer_.output().clear();
  output_announced_ = views_announced_ = false;
}

void Http2Session::sendBody(Http2Stream& stream, std::string_view data, bool end) {
  if (!mayWrite(stream)) return;
  sender_.body(stream, data, end);
  if (end) stopReading(stream);
  announceOutput();
}

void Http2Session::sendTrailers(Http2Stream& stream, const Fields& trailers) {
  if (!mayWrite(stream)) return;
  sender_.trailers(stream, trailers);
  stopReading(stream);
  announceOutput();
}

// A server's response is complete, though perhaps not sent yet: nobody reads the request any more.
void Http2Session::stopReading(Http2Stream& stream) {
  if (!isServer() || !stream.open_ || stream.tunnel_) return;
  stream.discard_ = true;
  stream.inbox_.reset();
}

void Http2Session::reset(Http2Stream& stream, Http2Code code) {
  if (!stream.open_ || failed_) return;
  writer_.reset(stream.id_, code);
  unlink(stream, ClosedStreams::How::Reset);
  announceOutput();
}

std::string Http2Session::resume(Http2Stream& stream) {
  stream.paused_ = false;
  if (stream.inbox_ == nullptr) return {};
  std::string bytes = std::move(stream.inbox_->bytes);
  Fields* const trailers = stream.inbox_->trailers;
  const bool end = stream.inbox_->end && trailers == nullptr;
  // Trailers keep the stream open until they are told.
  if (trailers == nullptr) stream.inbox_.reset();
  if (!bytes.empty() || end) user_.onBody(stream, bytes, end);
  if (trailers != nullptr && stream.open_ && !stream.paused_) {
    stream.inbox_.reset();
    user_.onTrailers(stream, *trailers);
  }
  closeIfDone(stream);
  announceOutput();
  return bytes;
}

void Http2Session::ping(uint64_t opaque) {
  if (failed_) return;
  writer_.ping(opaque, false);
  announceOutput();
}

void Http2Session::announceShutdown() {
  if (failed_ || shutdown_sent_) return;
  writer_.goaway(kMaxStreamId, Http2Code::NoError, {});
  announceOutput();
}

void Http2Session::shutdown(Http2Code code) {
  if (failed_ || shutdown_sent_) return;
  shutdown_sent_ = true;
  writer_.goaway(isServer() ? last_id_ : 0, code, {});
  announceOutput();
}

void Http2Session::abandon(const Http2Error& error) {
  failed_ = true;
  resetAll(error);
}

std::vector<Http2Stream*> Http2Session::openStreams() const {
  std::vector<Http2Stream*> all;
  all.reserve(streams_.size());
  streams_.forEach([&all](Http2Stream& stream) { all.push_back(&stream); });
  return all;
}

void Http2Session::link(Http2Stream& stream, uint32_t id) {
  assert(stream.id_ == 0);
  stream.id_ = id;
  stream.open_ = true;
  stream.send_window_ = static_cast<int32_t>(peer_.initial_window);
  stream.receive_window_ = static_cast<int32_t>(stream_window_);
  last_id_ = id;
  streams_.add(stream);
  ++awaited_;
  guard_.onStreamOpened();
}

void Http2Session::onRemoteEnd(Http2Stream& stream) {
  stream.remote_ended_ = true;
  --awaited_;
}

void Http2Session::unlink(Http2Stream& stream, ClosedStreams::How how) {
  streams_.remove(stream);
  stream.open_ = false;
  if (!stream.remote_ended_) --awaited_;
  sender_.forget(stream);
  stream.inbox_.reset();
  if (data_ == &stream) data_ = nullptr;
  closed_.add(stream.id_, how);
  // What was not consumed will not be; the rest of a frame that is being read is in it.
  giveBackConnection(std::exchange(stream.unconsumed_, 0));
}

void Http2Session::onLocalEnd(Http2Stream& stream) {
  stream.local_ended_ = true;
  if (!isServer() || stream.tunnel_) return closeIfDone(stream);
  if (stream.remote_ended_) {
    stream.inbox_.reset();
    return closeIfDone(stream);
  }
  // RFC 9113 §8.1: the client may stop sending, without having done wrong.
  writer_.reset(stream.id_, Http2Code::NoError);
  unlink(stream, ClosedStreams::How::Reset);
  guard_.onStreamDone();
  user_.onClosed(stream);
}

void Http2Session::onUnsentGone(Http2Stream& stream) { user_.onWritable(stream); }

void Http2Session::closeIfDone(Http2Stream& stream) {
  if (!stream.open_ || !stream.local_ended_ || !stream.remote_ended_) return;
  if (stream.inbox_ != nullptr) return;
  unlink(stream, ClosedStreams::How::Ended);
  guard_.onStreamDone();
  user_.onClosed(stream);
}

void Http2Session::rejectMessage(Http2Stream& stream, Http2Fault fault) {
  options_.stream_error_on_invalid_http_messaging ? failStream(stream, fault) : fail(fault);
}

void Http2Session::failStream(Http2Stream& stream, Http2Fault fault) {
  const uint32_t id = stream.id_;
  unlink(stream, ClosedStreams::How::Reset);
  user_.onReset(stream, errorFor(fault));
  refuse(id, fault);
}

void Http2Session::refuse(uint32_t id, Http2Fault fault) {
  if (failed_) return;
  writer_.reset(id, errorFor(fault).code);
  // What makes us reset streams costs us as much as the peer's own resets.
  if (isServer()) {
    if (const Http2Fault flood = guard_.onReset(); flood != Http2Fault::None) fail(flood);
  }
}

void Http2Session::fail(Http2Fault fault) {
  if (failed_) return;
  failed_ = true;
  const Http2Error error = errorFor(fault);
  writer_.goaway(isServer() ? last_id_ : 0, error.code, error.reason);
  resetAll(error);
  user_.onConnectionError(error);
}

void Http2Session::resetAll(const Http2Error& error) {
  for (Http2Stream* stream : openStreams()) {
    if (!stream->open_) continue;
    unlink(*stream, ClosedStreams::How::Reset);
    user_.onReset(*stream, error);
  }
}

Http2Fault Http2Session::decode(std::string_view block, FieldSink& sink) {
  if (decoder_ == nullptr) {
    decoder_ = std::make_unique<HeaderDecoder>();
    const bool other_size = options_.header_table_size != kDefaultHeaderTableSize;
    if (settings_acked_ && other_size) decoder_->setTableSize(options_.header_table_size);
  }
  switch (decoder_->decode(block, sink)) {
    case HeaderDecoder::Outcome::Done:
      return Http2Fault::None;
    case HeaderDecoder::Outcome::Stopped:
      return Http2Fault::HeaderBomb;
    case HeaderDecoder::Outcome::Invalid:
      break;
  }
  return Http2Fault::InvalidHeaderBlock;
}

bool Http2Session::skip(std::string_view block) {
  SkippedReader reader(options_);
  const Http2Fault fault = decode(block, reader);
  if (fault != Http2Fault::None) fail(fault);
  return fault == Http2Fault::None;
}

}  // namespace weir::codec
