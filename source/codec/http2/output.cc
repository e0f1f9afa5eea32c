#include "source/codec/http2/output.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace weir::codec {
namespace {

constexpr size_t kChunkBytes = ChunkPool::kChunkSize - sizeof(ChunkPool::Chunk);

}  // namespace

char* Output::reserve(size_t size) {
  if (static_cast<size_t>(end_ - next_) >= size) return next_;
  ChunkPool::Chunk* chunk = size <= kChunkBytes ? pool_.take() : pool_.create(size);
  chunk->next = std::exchange(chunks_, chunk);
  next_ = chunk->data();
  end_ = next_ + chunk->size;
  return next_;
}

void Output::commit(size_t size) {
  assert(size <= static_cast<size_t>(end_ - next_));
  if (size == 0) return;
  if (count_ != 0 && last().data() + last().size() == next_) {
    last() = {last().data(), last().size() + size};
  } else {
    addPiece({next_, size});
  }
  next_ += size;
  size_ += size;
}

void Output::append(std::string_view bytes) {
  if (bytes.size() <= kCopiedSize) return copy(bytes);
  addPiece(bytes);
  points_outside_ = true;
  size_ += bytes.size();
}

void Output::copy(std::string_view bytes) {
  while (!bytes.empty()) {
    if (next_ == end_) reserve(kChunkBytes);
    const size_t n = std::min(bytes.size(), static_cast<size_t>(end_ - next_));
    std::memcpy(next_, bytes.data(), n);
    commit(n);
    bytes.remove_prefix(n);
  }
}

void Output::addPiece(std::string_view piece) {
  if (count_ < kInline) {
    first_[count_] = piece;
  } else {
    more_.push_back(piece);
  }
  ++count_;
}

void Output::clear() {
  while (chunks_ != nullptr) pool_.give(std::exchange(chunks_, chunks_->next));
  next_ = end_ = nullptr;
  size_ = count_ = 0;
  points_outside_ = false;
  if (more_.capacity() != 0) more_ = {};
}

}  // namespace weir::codec
