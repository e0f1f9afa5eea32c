// A StreamTable finds the open streams of one connection by their ids: open addressing, in which
// ids that follow each other never collide. Empty, it owns nothing. One worker.
//
// ClosedStreams remembers a little of what was open: enough to tell a peer's error from frames that
// were under way when we reset a stream (RFC 9113 §5.1).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "source/codec/http2/stream.h"

namespace weir::codec {

class StreamTable {
 public:
  Http2Stream* find(uint32_t id) const;
  void add(Http2Stream& stream);
  void remove(Http2Stream& stream);
  size_t size() const { return size_; }

  // `visit` adds and removes none.
  template <typename Visit>
  void forEach(Visit visit) const {
    for (size_t i = 0; i < capacity_; ++i) {
      if (slots_[i] != nullptr) visit(*slots_[i]);
    }
  }

 private:
  static constexpr size_t kSmallest = 8;

  size_t home(uint32_t id) const { return (id >> 1) & (capacity_ - 1); }
  void place(Http2Stream& stream);
  void grow();

  std::unique_ptr<Http2Stream*[]> slots_;
  size_t capacity_ = 0;  // a power of two
  size_t size_ = 0;
};

class ClosedStreams {
 public:
  enum class How : uint8_t {
    Unknown,  // never open, or long ago
    Ended,    // by both sides, or by the peer
    Reset,    // by us: frames may be under way
  };

  void add(uint32_t id, How how);
  How howOf(uint32_t id) const;

 private:
  static constexpr uint32_t kReset = 0x80000000;  // ids have 31 bits

  std::array<uint32_t, 8> ids_{};
  uint32_t next_ = 0;
  uint32_t forgotten_reset_ = 0;  // the highest id reset by us and not in ids_
};

}  // namespace weir::codec
