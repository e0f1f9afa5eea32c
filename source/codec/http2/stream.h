// An Http2Stream is the codec's part of one stream: its state, its windows, and what waits on
// either side of it. The user derives its own object from it, which owns it; the session only links
// it while the stream is open.
//
// The object must outlive the stream, and the outermost call into the session in which the stream
// ended (Loop::destroyLater() does that). Writing to a stream that is not open does nothing.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>

#include "source/codec/http2/frame.h"
#include "weir/fields.h"

namespace weir::codec {

class Http2Stream {
 public:
  Http2Stream() = default;
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  // 0 until it was opened first.
  uint32_t id() const { return id_; }
  bool isOpen() const { return open_; }
  // END_STREAM was received; sent.
  bool remoteEnded() const { return remote_ended_; }
  bool localEnded() const { return local_ended_; }
  // Extended CONNECT: the head stands as a GET with `upgrade`, and its answer is a 101.
  bool isUpgrade() const { return upgrade_; }
  // CONNECT or an upgrade that was accepted: each direction ends for itself.
  bool isTunnel() const { return tunnel_; }
  // On the wire so far, frame headers included (not those of CONTINUATION): all, and of these the
  // payload of header blocks. What waits for a window is not sent.
  struct Bytes {
    uint64_t total = 0;
    uint64_t heads = 0;
  };
  const Bytes& received() const { return received_; }
  const Bytes& sent() const { return sent_; }
  // Bytes written that wait for the peer's window.
  size_t unsent() const { return backlog_ == nullptr ? 0 : backlog_->unsent(); }

 protected:
  ~Http2Stream() { assert(!open_); }

 private:
  friend class Http2Session;
  friend class Http2ServerSession;
  friend class Http2ClientSession;
  friend class SendQueue;
  friend class StreamTable;

  // What the peer's window does not take yet.
  struct Backlog {
    size_t unsent() const { return bytes.size() - sent; }
    std::string bytes;
    size_t sent = 0;
    std::string trailers;  // name and value by turns, each behind its size
    bool end = false;
  };
  // What came while the user had paused the stream.
  struct Inbox {
    std::string bytes;
    Fields* trailers = nullptr;
    bool end = false;
  };

  void count(Bytes& bytes, size_t block) {
    bytes.total += kFrameHeaderSize + block;
    bytes.heads += block;
  }

  Bytes received_;
  Bytes sent_;
  uint32_t id_ = 0;
  int32_t send_window_ = 0;
  int32_t receive_window_ = 0;
  uint32_t unconsumed_ = 0;    // received, counted, and not given back to the windows
  uint32_t unreported_ = 0;    // given back, and not told the peer
  int64_t content_left_ = -1;  // of the content-length; -1: there is none
  bool open_ = false;
  bool remote_ended_ = false;
  bool local_ended_ = false;
  bool head_done_ = false;    // the final head was received
  bool connect_ = false;      // CONNECT
  bool head_method_ = false;  // HEAD
  bool upgrade_ = false;
  bool tunnel_ = false;
  bool paused_ = false;
  uint8_t interims_ = 0;
  bool discard_ = false;  // nobody wants what still comes
  bool ready_ = false;    // in the session's list of streams that may send
  Http2Stream* next_ready_ = nullptr;
  std::unique_ptr<Backlog> backlog_;
  std::unique_ptr<Inbox> inbox_;
};

}  // namespace weir::codec
