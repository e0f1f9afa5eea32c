#include "source/net/event_memory.h"

#include <event2/event.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace weir::net {
namespace {

// A Region hands out records of one size from reserved address space; only used pages are memory.
class Region {
 public:
  static constexpr size_t kRecord = 32;
  static constexpr size_t kBytes = kRecord << 20;  // a million descriptors; then malloc serves

  Region() {
    void* at = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return;
    madvise(at, kBytes, MADV_NOHUGEPAGE);
    begin_ = next_ = static_cast<char*>(at);
    end_ = begin_ + kBytes;
  }

  bool owns(const void* at) const {
    const auto address = reinterpret_cast<uintptr_t>(at);
    return address >= reinterpret_cast<uintptr_t>(begin_) &&
           address < reinterpret_cast<uintptr_t>(end_);
  }
  // Null when there is no more.
  void* take() {
    std::lock_guard lock(mutex_);
    if (free_ != nullptr) return std::exchange(free_, *static_cast<void**>(free_));
    return next_ == end_ ? nullptr : std::exchange(next_, next_ + kRecord);
  }
  void give(void* at) {
    std::lock_guard lock(mutex_);
    *static_cast<void**>(at) = std::exchange(free_, at);
  }

 private:
  std::mutex mutex_;
  char* begin_ = nullptr;
  char* next_ = nullptr;
  char* end_ = nullptr;
  void* free_ = nullptr;
};

// Never destroyed: event bases may be freed after main().
Region& region() {
  static Region& one = *new Region;
  return one;
}

void* allocate(size_t size) {
  if (size <= Region::kRecord) {
    if (void* at = region().take()) return at;
  }
  return std::malloc(size);
}

void release(void* at) { region().owns(at) ? region().give(at) : std::free(at); }

void* resize(void* at, size_t size) {
  if (!region().owns(at)) return std::realloc(at, size);
  void* to = allocate(size);
  if (to == nullptr) return nullptr;
  std::memcpy(to, at, std::min(size, Region::kRecord));
  release(at);
  return to;
}

}  // namespace

void useEventMemory() {
  static std::once_flag once;
  std::call_once(once, [] { event_set_mem_functions(allocate, resize, release); });
}

}  // namespace weir::net
