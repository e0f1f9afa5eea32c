#include "source/codec/http2/client_session.h"

#include <algorithm>

#include "source/codec/http2/message_lines.h"
#include "source/codec/http2/message_reader.h"

namespace weir::codec {
namespace {

// Each stands in the stream's arena. 102 is repeated while a server works, but not that often.
constexpr uint8_t kMostInterims = 100;

}  // namespace

Http2ClientSession::Http2ClientSession(const Http2Options& options, ChunkPool& pool,
                                       Http2ClientUser& user)
    : Http2Session(Role::Client, options, pool, user), user_(user) {}

size_t Http2ClientSession::capacity() const {
  return std::min(options_.max_concurrent_streams, peer_.max_concurrent_streams);
}

bool Http2ClientSession::isSpent() const {
  return failed_ || shutdown_sent_ || goaway_received_ || last_id_ >= kMaxStreamId;
}

bool Http2ClientSession::canOpen() const { return !isSpent() && streams_.size() < capacity(); }

bool Http2ClientSession::open(Http2Stream& stream, const RequestHead& head, bool end) {
  const bool upgrade = head.fields.has(HeaderId::Upgrade) && head.method != Method::Connect;
  if (!canOpen() || (upgrade && !canUpgrade())) return false;
  link(stream, last_id_ == 0 ? 1 : last_id_ + 2);
  stream.upgrade_ = upgrade;
  stream.connect_ = head.method == Method::Connect;
  stream.head_method_ = head.method == Method::Head;
  HeaderLines lines;
  listRequest(head, upgrade, lines);
  stream.count(stream.sent_, writer_.headers(stream.id(), lines, end));
  if (end) onLocalEnd(stream);
  announceOutput();
  return true;
}

void Http2ClientSession::onHeadBlock(const FrameParser::Step& block, Http2Stream* stream) {
  stream->count(stream->received_, block.bytes.size());
  Arena& arena = user_.arenaOf(*stream);
  auto* const head = arena.make<ResponseHead>(arena);
  ResponseReader reader(options_, *head);
  const bool end = block.header.has(kFlagEndStream);
  Http2Fault fault = decode(block.bytes, reader);
  if (fault != Http2Fault::None) return fail(fault);
  fault = reader.finish();
  const bool interim = head->status < 200;
  if (fault == Http2Fault::None && interim && end) fault = Http2Fault::EndOfInterim;  // §8.1
  if (isAnswerable(fault)) return failStream(*stream, fault);
  if (fault != Http2Fault::None) return rejectMessage(*stream, fault);
  if (interim) {
    if (++stream->interims_ > kMostInterims) return failStream(*stream, Http2Fault::InterimFlood);
    return user_.onInterim(*stream, *head);
  }
  onFinalHead(*stream, *head, reader.contentLength(), end);
}

void Http2ClientSession::onFinalHead(Http2Stream& stream, ResponseHead& head, int64_t length,
                                     bool end) {
  stream.head_done_ = true;
  stream.tunnel_ = (stream.upgrade_ || stream.connect_) && head.status / 100 == 2;
  if (stream.tunnel_) {
    head.fields.remove(HeaderId::ContentLength);  // RFC 9110 §8.6
    if (stream.upgrade_) head.status = 101;
  } else {
    // RFC 9113 §8.1.1: these have no body, whatever their length says.
    const bool bodiless = stream.head_method_ || head.status == 204 || head.status == 304;
    stream.content_left_ = bodiless ? 0 : length;
  }
  if (end && stream.content_left_ > 0) {
    return rejectMessage(stream, Http2Fault::ContentLengthMismatch);
  }
  if (end) onRemoteEnd(stream);
  user_.onResponse(stream, head, end);
  if (end) closeIfDone(stream);
}

}  // namespace weir::codec
