// An Arena is the memory of one request: a bump allocator whose chunks come from, and return to, a
// per-worker ChunkPool, so that a steady state allocates nothing. Objects placed in it are not
// destroyed; the owner calls their destructors where that matters. Not thread safe: an arena and
// its pool belong to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "weir/short_copy.h"

namespace weir {

// A ChunkPool keeps free chunks of one size. Outlives every arena made from it.
class ChunkPool {
 public:
  static constexpr size_t kChunkSize = 4096;
  static constexpr size_t kMaxKept = 256;  // free chunks beyond this go back to the heap

  ChunkPool() = default;
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;
  ~ChunkPool() {
    while (free_ != nullptr) ::operator delete(std::exchange(free_, free_->next));
  }

  struct Chunk {
    Chunk* next;
    size_t size;  // usable bytes after this header
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };

  Chunk* take() {
    if (free_ == nullptr) return create(kChunkSize - sizeof(Chunk));
    --kept_;
    return std::exchange(free_, free_->next);
  }
  Chunk* create(size_t usable) {
    auto* chunk = static_cast<Chunk*>(::operator new(sizeof(Chunk) + usable));
    chunk->size = usable;
    return chunk;
  }
  void give(Chunk* chunk) {
    if (chunk->size != kChunkSize - sizeof(Chunk) || kept_ == kMaxKept) {
      ::operator delete(chunk);
      return;
    }
    chunk->next = std::exchange(free_, chunk);
    ++kept_;
  }

 private:
  Chunk* free_ = nullptr;
  size_t kept_ = 0;
};

class Arena {
 public:
  explicit Arena(ChunkPool& pool) : pool_(pool) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { reset(); }

  // Never fails: out of memory ends the process, as everywhere in Weir. `align` <= 16.
  [[gnu::always_inline]] void* allocate(size_t size, size_t align = 8) {
    const uintptr_t at = (reinterpret_cast<uintptr_t>(next_) + align - 1) & ~(align - 1);
    if (at + size <= reinterpret_cast<uintptr_t>(end_)) {
      next_ = reinterpret_cast<char*>(at + size);
      return reinterpret_cast<void*>(at);
    }
    return allocateSlow(size, align);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  // A copy that lives as long as the arena.
  [[gnu::noinline]] std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    auto* to = static_cast<char*>(allocate(text.size(), 1));
    copyShort(to, text.data(), text.size());
    return {to, text.size()};
  }

  template <typename... Parts>
  std::string_view concat(const Parts&... parts) {
    const size_t size = (std::string_view(parts).size() + ... + 0);
    auto* to = static_cast<char*>(allocate(size, 1));
    size_t at = 0;
    auto put = [&](std::string_view part) {
      copyShort(to + at, part.data(), part.size());
      at += part.size();
    };
    (put(std::string_view(parts)), ...);
    return {to, size};
  }

  // Returns every chunk to the pool; all pointers into the arena die.
  void reset() {
    while (chunks_ != nullptr) pool_.give(std::exchange(chunks_, chunks_->next));
    next_ = end_ = nullptr;
  }

 private:
  [[gnu::noinline]] void* allocateSlow(size_t size, size_t align) {
    const bool fits = size + align <= ChunkPool::kChunkSize - sizeof(ChunkPool::Chunk);
    ChunkPool::Chunk* chunk = fits ? pool_.take() : pool_.create(size + align);
    chunk->next = std::exchange(chunks_, chunk);
    if (!fits && chunk->next != nullptr) {  // keep bumping in the chunk that still has room
      const uintptr_t at = (reinterpret_cast<uintptr_t>(chunk->data()) + align - 1) & ~(align - 1);
      return reinterpret_cast<void*>(at);
    }
    next_ = chunk->data();
    end_ = next_ + chunk->size;
    return allocate(size, align);
  }

  ChunkPool& pool_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  ChunkPool::Chunk* chunks_ = nullptr;
};

}  // namespace weir
