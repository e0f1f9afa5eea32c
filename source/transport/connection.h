// A Connection is one connected (or connecting) stream socket on a worker's loop: one libevent
// event, added once, edge triggered. It owns no buffer while idle.
//
// Reading: bytes arrive in the loop's scratch and are offered to the User, who says how many it
// consumed; the rest is kept and offered again, in front of what comes next. pauseRead() only sets
// a flag; resumeRead() continues in a turn of its own.
// Writing: write() keeps views; all of a turn's views leave in one sendmsg at its end; what the
// socket does not take is queued. congested() asks the writer's source to pause until onWritable().
//
// secure() puts TLS below: onConnected() tells the end of the handshake, bytes (and their counts)
// stay plain.
// Owner: the user's object, which destroys both through Loop::destroyLater, or hands the Connection
// on to the next one: setUser() says who is told from then on, also of what the former left.
// After close() no callback comes. Worker thread only.
#pragma once

#include <event2/event_struct.h>

#include <memory>
#include <string>
#include <string_view>

#include "source/net/address.h"
#include "source/net/loop.h"
#include "source/transport/byte_counters.h"
#include "source/transport/connection_user.h"
#include "weir/tls_facts.h"

namespace weir::transport {

class Outbox;
class TlsSession;

class Connection final : public net::TurnEnd {
 public:
  static constexpr size_t kDefaultHighMark = 64 * 1024;
  static constexpr size_t kReadBudget = 1024 * 1024;  // bytes a turn, then others get theirs
  static constexpr size_t kSmallRead = 16 * 1024;

  explicit Connection(net::Loop& loop);  // setUser() comes next
  Connection(net::Loop& loop, ConnectionUser& user);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Either takes an accepted socket, or starts to connect; once.
  void accept(net::Fd fd);
  // False: failed at once with errno; no callback follows.
  bool connect(const net::Address& to);

  // Before a byte is written, and before connect() or until the first byte was taken: what nobody
  // took, inside onInput() too, is ciphertext from then on. Nothing is written before
  // onConnected(). An end without close_notify is onFailed(): someone may have cut off what was to
  // follow.
  void secure(std::unique_ptr<TlsSession> session);
  bool isSecure() const { return tls_ != nullptr; }
  std::string_view alpn() const;                // empty: no protocol was agreed on
  std::shared_ptr<const TlsFacts> tls() const;  // null: plain, or still shaking hands

  // Inside a callback, too: what the former user did not take is offered to the new one.
  void setUser(ConnectionUser& user) { user_ = &user; }

  void write(std::string_view view);
  void writeCopy(std::string_view text);  // of at most Outbox::kLongestCopy bytes: chunk headers
  // Sends what this turn wrote so far, for writers whose views die before the turn does.
  void flush();
  bool congested() const { return congested_; }
  size_t queued() const { return kept_ == nullptr ? 0 : kept_->queue.size() - kept_->sent; }

  void pauseRead() { read_paused_ = true; }
  // The next read is small: nobody knows yet whether what comes can be passed on.
  void readLittle() { next_read_ = kSmallRead; }
  // From onInput(): nothing more is waited for. Else the socket is read until it is empty: only so
  // is a reset found that came with data, which libevent tells in the same words as data alone.
  void expectNothing() { expects_more_ = false; }
  void resumeRead();
  bool readPaused() const { return read_paused_; }
  size_t unconsumed() const { return kept_ == nullptr ? 0 : kept_->input.size(); }

  // Stops reading, sends what is queued, then sends FIN and calls back no more than onInputEnd()
  // or onFailed() (the lingering half of RFC 9112 §9.6).
  void finishWriting();
  bool writeFinished() const { return write_finished_; }
  void close();
  bool isOpen() const { return static_cast<bool>(fd_); }
  void trim();           // frees buffers, when a message is over
  bool hasNews() const;  // bytes, the end or an error wait in the socket; a system call
  int fd() const { return fd_.get(); }
  net::Loop& loop() { return loop_; }
  uint64_t bytesIn() const { return bytes_in_; }
  uint64_t bytesOut() const { return bytes_out_; }
  void countInto(const ByteCounters* counters) { counters_ = counters; }
  void setHighMark(size_t mark) { high_mark_ = static_cast<uint32_t>(mark); }

 private:
  friend struct SealedPath;  // the same with ciphertext on the socket

  // What must outlive the turn.
  struct Kept {
    std::string input;  // offered, not consumed
    std::string queue;  // written, not sent
    size_t sent = 0;    // of queue
  };
  Kept& kept();

  static void onEvent(evutil_socket_t, short what, void* self);
  void watch();
  void onTurnEnd() override { flush(); }
  void onConnectReady();
  bool isReset() const;
  void readAll();
  bool receiveOnce(size_t& budget);
  size_t receive(char* at, size_t room, size_t& budget);
  size_t tell(char* data, size_t size);
  void keep(const char* data, size_t size);
  void wakeForKept();
  bool offer(char* data, size_t size);
  void offerKept();
  void sendQueue();
  Outbox* openOutbox();
  void sendPieces();
  void fail(FailureKind kind, std::string_view detail);
  void failSocket(int error);

  net::Loop& loop_;
  ConnectionUser* user_ = nullptr;
  event event_{};
  Outbox* outbox_ = nullptr;  // this turn's views
  const ByteCounters* counters_ = nullptr;
  uint64_t bytes_in_ = 0, bytes_out_ = 0;
  uint32_t high_mark_ = kDefaultHighMark;
  uint32_t next_read_ = net::Loop::kScratchSize;
  net::Fd fd_;
  bool connecting_ = false, read_paused_ = false;
  bool resumed_ = false;   // kept input is to be offered again
  bool readable_ = false;  // an edge came and the socket is not known to be drained
  bool short_read_ = false, expects_more_ = true;  // of the last read, and of its user
  bool peer_closed_ = false;  // EPOLLRDHUP: the next short read is not the end of the story
  bool end_seen_ = false, end_told_ = false;  // recv said 0
  bool writable_ = true;
  bool congested_ = false;
  bool finish_writing_ = false, write_finished_ = false;
  bool sealed_input_ = false;   // kept_->input is ciphertext
  std::unique_ptr<Kept> kept_;  // made when something has to be kept
  std::unique_ptr<TlsSession> tls_;
};

using ConnectionPtr = std::unique_ptr<Connection>;

}  // namespace weir::transport
