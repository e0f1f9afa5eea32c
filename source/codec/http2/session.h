// An Http2Session is one HTTP/2 connection without its socket (RFC 9113): bytes in, calls to the
// user out; heads, bodies and resets in, bytes out. Pure: no I/O, no clock. Http2ServerSession and
// Http2ClientSession are its two roles.
//
// A turn: receive(bytes as they came) and the user's writes, in any order and number; then
// output().forEachPiece() into one sendmsg(); clearOutput() when the pieces are sent or copied.
// Views given to sendBody() must live until then; output().pointsOutside() tells of any. What a
// window does not take is copied and kept per stream: congested() says so, onWritable() says when
// it is gone.
//
// Owner: the connection's object, which outlives every call into it. One worker. Faults are values:
// of a message, a stream, or the connection (see fault.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/codec/http2/flood_guard.h"
#include "source/codec/http2/frame_parser.h"
#include "source/codec/http2/frame_writer.h"
#include "source/codec/http2/send_queue.h"
#include "source/codec/http2/session_user.h"
#include "source/codec/http2/settings.h"
#include "source/codec/http2/stream_table.h"

namespace weir::codec {

class FieldSink;
class HeaderDecoder;

class Http2Session : private SendQueue::Owner {
 public:
  // Returns how many bytes it took; the rest is an incomplete frame, to be offered again with more.
  size_t receive(std::string_view input);
  const Output& output() const { return writer_.output(); }
  void clearOutput();
  // After clearOutput(), and whenever the transport sent some: how many bytes it still holds.
  void onSent(size_t unsent) { guard_.onSent(written_, unsent); }

  void sendBody(Http2Stream& stream, std::string_view data, bool end);
  void sendTrailers(Http2Stream& stream, const Fields& trailers);
  bool congested(const Http2Stream& stream) const { return stream.unsent() != 0; }
  size_t window(const Http2Stream& stream) const { return sender_.window(stream); }
  // Ends the stream at once, in both directions; nothing is told about it.
  void reset(Http2Stream& stream, Http2Code code);

  // `size` bytes of onBody() have moved on: the peer may send as many again.
  void consume(Http2Stream& stream, size_t size);
  // Between the two, what comes is kept here (no more than the window) and told by resume().
  void pause(Http2Stream& stream) { stream.paused_ = true; }
  // Returns what its views point to: to be kept until what they were written to has been flushed.
  [[nodiscard]] std::string resume(Http2Stream& stream);

  void ping(uint64_t opaque);
  // GOAWAY in two steps (RFC 9113 §6.8), a round trip apart. Streams that are open go on.
  void announceShutdown();
  void shutdown(Http2Code code = Http2Code::NoError);
  // The transport is gone: every stream gets onReset() with `error`; nothing is written any more.
  // Streams that are open when the session dies are its owner's bug.
  void abandon(const Http2Error& error);
  // A peer may end this many more streams before their time; for owners with a clock.
  void refillResets(uint32_t n) { guard_.refillResets(n); }

  bool failed() const { return failed_; }
  bool insideBlock() const { return parser_.insideBlock(); }  // of a head whose end has not come
  size_t streamCount() const { return streams_.size(); }
  bool expectsMore() const { return awaited_ != 0; }  // of messages that have begun
  std::vector<Http2Stream*> openStreams() const;

 protected:
  enum class Role : uint8_t { Server, Client };
  Http2Session(Role role, const Http2Options& options, ChunkPool& pool, Http2SessionUser& user);
  ~Http2Session();

  // A header block that opens a stream (`stream` is null), or one before a response is complete.
  virtual void onHeadBlock(const FrameParser::Step& block, Http2Stream* stream) = 0;
  virtual void onPeerSettings() {}

  bool isServer() const { return role_ == Role::Server; }
  Http2Error errorFor(Http2Fault fault) const;
  void begin();  // SETTINGS and the connection's window, behind a client's preface
  [[nodiscard]] Http2Fault decode(std::string_view block, FieldSink& sink);
  bool skip(std::string_view block);  // false: the connection failed
  bool mayWrite(const Http2Stream& stream) const {
    return stream.open_ && !stream.local_ended_ && !failed_;
  }
  void link(Http2Stream& stream, uint32_t id);
  void onRemoteEnd(Http2Stream& stream);
  void onLocalEnd(Http2Stream& stream) override;
  void closeIfDone(Http2Stream& stream);
  // The three sizes of trouble: of a message, as the options want it; of a stream; of all.
  void rejectMessage(Http2Stream& stream, Http2Fault fault);
  void failStream(Http2Stream& stream, Http2Fault fault);
  void fail(Http2Fault fault);
  // RST_STREAM for a stream that is not, or no longer, open; it counts against the peer.
  void refuse(uint32_t id, Http2Fault fault);
  void announceOutput();

  const Http2Options& options_;
  FloodGuard guard_;
  FrameWriter writer_;
  StreamTable streams_;
  ClosedStreams closed_;
  PeerSettings peer_;
  uint32_t last_id_ = 0;  // the highest that was opened
  uint32_t awaited_ = 0;  // open streams that the peer has not ended
  bool shutdown_sent_ = false, goaway_received_ = false;
  bool settings_received_ = false, failed_ = false;

 private:
  void onUnsentGone(Http2Stream& stream) override;

  void onStep(const FrameParser::Step& step);
  void onBlock(const FrameParser::Step& block);
  void onBlockOfNone(const FrameParser::Step& block);
  void onTrailerBlock(const FrameParser::Step& block, Http2Stream& stream);
  void onFrame(const FrameHeader& header, std::string_view payload);
  void onPriority(const FrameHeader& header, std::string_view payload);
  void onRstStream(const FrameHeader& header, std::string_view payload);
  void onSettings(std::string_view payload);
  void onSettingsAck();
  void onPing(const FrameHeader& header, std::string_view payload);
  void onGoaway(std::string_view payload);
  void onWindowUpdate(const FrameHeader& header, std::string_view payload);
  void onData(const FrameParser::Step& step);
  Http2Stream* beginData(const FrameParser::Step& step);
  Http2Stream* findForData(uint32_t id);
  void giveBack(Http2Stream& stream, uint32_t size);
  void giveBackConnection(uint32_t size);
  void stopReading(Http2Stream& stream);
  bool isIdle(uint32_t id) const { return id % 2 == 0 || id > last_id_; }
  void unlink(Http2Stream& stream, ClosedStreams::How how);
  void resetAll(const Http2Error& error);

  const Role role_;
  Http2SessionUser& user_;
  FrameParser parser_;
  SendQueue sender_;
  std::unique_ptr<HeaderDecoder> decoder_;  // made for the first block
  uint32_t stream_window_;                  // what a new stream may receive
  int32_t receive_window_ = kDefaultWindow;
  uint32_t unreported_ = 0;      // of the connection, as of a stream
  Http2Stream* data_ = nullptr;  // whose DATA frame is being read; null: nobody's
  uint32_t settings_unacked_ = 0;
  bool settings_acked_ = false, output_announced_ = false, views_announced_ = false;
  uint64_t written_ = 0;  // bytes that left through clearOutput()
};

}  // namespace weir::codec
