// An Output is what a session wrote since the last clear(): frame headers and small payloads copied
// one behind the other into chunks, large payloads as views, all in order. It owns no memory while
// empty. One worker.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "weir/arena.h"

namespace weir::codec {

class Output {
 public:
  // A payload up to this size is copied: that is cheaper than one more piece for sendmsg().
  static constexpr size_t kCopiedSize = 2048;

  explicit Output(ChunkPool& pool) : pool_(pool) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { clear(); }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // Room for `size` bytes in one place, of which commit() takes the first ones.
  char* reserve(size_t size);
  void commit(size_t size);
  // `bytes` must stay until clear() when longer than kCopiedSize.
  void append(std::string_view bytes);
  void copy(std::string_view bytes);

  template <typename Write>
  void forEachPiece(Write write) const {
    for (size_t i = 0; i < count_; ++i) {
      write(i < kInline ? first_[i] : more_[i - kInline]);
    }
  }
  size_t pieces() const { return count_; }
  // It holds views of the caller's bytes.
  bool pointsOutside() const { return points_outside_; }

  void clear();

 private:
  static constexpr size_t kInline = 4;

  void addPiece(std::string_view piece);
  std::string_view& last() { return count_ <= kInline ? first_[count_ - 1] : more_.back(); }

  ChunkPool& pool_;
  ChunkPool::Chunk* chunks_ = nullptr;  // newest first
  char* next_ = nullptr;                // free bytes of the newest
  char* end_ = nullptr;
  size_t size_ = 0;
  size_t count_ = 0;
  bool points_outside_ = false;
  std::array<std::string_view, kInline> first_;
  std::vector<std::string_view> more_;
};

}  // namespace weir::codec
