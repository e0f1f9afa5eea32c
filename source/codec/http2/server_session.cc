#include "source/codec/http2/server_session.h"

#include "source/codec/http2/message_lines.h"
#include "source/codec/http2/message_reader.h"

namespace weir::codec {

Http2ServerSession::Http2ServerSession(const Http2Options& options, ChunkPool& pool,
                                       Http2ServerUser& user)
    : Http2Session(Role::Server, options, pool, user), user_(user) {}

// False: there will be no request; its block has been decoded all the same.
bool Http2ServerSession::admit(const FrameParser::Step& block) {
  const uint32_t id = block.header.stream;
  Http2Fault fault = Http2Fault::None;
  if (shutdown_sent_) {  // RFC 9113 §6.8: the client knows, or will, that it was not processed
    last_id_ = id;
    closed_.add(id, ClosedStreams::How::Reset);
    skip(block.bytes);
    return false;
  }
  if (block.depends_on == id) {
    fault = Http2Fault::SelfDependency;
  } else if (streams_.size() >= options_.max_concurrent_streams) {
    fault = Http2Fault::TooManyStreams;
  }
  if (fault == Http2Fault::None) return true;
  last_id_ = id;
  closed_.add(id, ClosedStreams::How::Reset);
  if (skip(block.bytes)) refuse(id, fault);
  return false;
}

void Http2ServerSession::onHeadBlock(const FrameParser::Step& block, Http2Stream*) {
  if (!admit(block)) return;
  const uint32_t id = block.header.stream;
  const bool end = block.header.has(kFlagEndStream);
  const Http2ServerUser::Place place = user_.onRequestBegin();
  Http2Stream& stream = place.stream;
  stream.count(stream.received_, block.bytes.size());
  RequestReader reader(options_, place.head);
  last_id_ = id;
  Http2Fault fault = decode(block.bytes, reader);
  if (fault != Http2Fault::None) {
    user_.onRequestRejected(stream, errorFor(fault));
    return fail(fault);
  }
  fault = reader.finish();
  const int64_t length = reader.contentLength();
  const bool connect = place.head.method == Method::Connect;
  const bool tunnel = connect || reader.isUpgrade();
  if (fault == Http2Fault::None && length > 0) {
    if (end) fault = Http2Fault::ContentLengthMismatch;
    if (tunnel) fault = Http2Fault::InvalidContentLength;  // RFC 9110 §9.3.6
  }
  if (fault != Http2Fault::None && !isAnswerable(fault)) return reject(stream, id, fault);
  link(stream, id);
  stream.head_done_ = true;
  if (end) onRemoteEnd(stream);
  if (fault != Http2Fault::None) {
    stream.discard_ = true;
    return user_.onRequestRejected(stream, errorFor(fault));
  }
  stream.content_left_ = tunnel ? -1 : length;
  stream.upgrade_ = reader.isUpgrade();
  stream.connect_ = connect;
  user_.onRequest(stream, end);
}

void Http2ServerSession::reject(Http2Stream& stream, uint32_t id, Http2Fault fault) {
  closed_.add(id, ClosedStreams::How::Reset);
  user_.onRequestRejected(stream, errorFor(fault));
  options_.stream_error_on_invalid_http_messaging ? refuse(id, fault) : fail(fault);
}

void Http2ServerSession::sendInterim(Http2Stream& stream, const ResponseHead& head) {
  if (!mayWrite(stream)) return;
  HeaderLines lines;
  listResponse(head, head.status, false, lines);
  stream.count(stream.sent_, writer_.headers(stream.id(), lines, false));
  announceOutput();
}

void Http2ServerSession::sendHead(Http2Stream& stream, const ResponseHead& head, bool end) {
  if (!mayWrite(stream)) return;
  const bool switched = stream.upgrade_ && head.status == 101;
  stream.tunnel_ = switched || (stream.connect_ && head.status / 100 == 2);
  HeaderLines lines;
  listResponse(head, switched ? uint16_t{200} : head.status, stream.tunnel_, lines);
  stream.count(stream.sent_, writer_.headers(stream.id(), lines, end));
  if (end) onLocalEnd(stream);
  announceOutput();
}

}  // namespace weir::codec
