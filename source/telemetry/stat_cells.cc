#include "source/telemetry/stat_cells.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>

namespace weir {
namespace telemetry {
namespace {

using stats::Cell;

constexpr size_t kMaxBlocks = 512;
constexpr size_t kBlockBytes = size_t{kCellsPerBlock} * sizeof(Cell);

// Constant-initialised and trivially destroyed, so counting works before main and after exit.
constinit std::mutex g_mutex;
constinit std::array<std::atomic<Cell*>, kMaxBlocks> g_blocks{};
constinit std::atomic<size_t> g_block_count{0};
constinit std::array<Cell*, kMaxBlocks> g_free{};  // guarded by g_mutex
constinit size_t g_free_count = 0;                 // guarded by g_mutex
constinit Cell* g_shared = nullptr;                // guarded by g_mutex
constinit std::atomic<uint32_t> g_next_cell{kFirstCell};

Cell* mapBlock() {
  void* at = mmap(nullptr, kBlockBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  // One touched cell must commit 4 KB, not 2 MB.
  madvise(at, kBlockBytes, MADV_NOHUGEPAGE);
  return static_cast<Cell*>(at);
}

// g_mutex is held. Null when the table is full or no address space is left.
Cell* newBlock() {
  const size_t count = g_block_count.load(std::memory_order_relaxed);
  if (count == kMaxBlocks) return nullptr;
  Cell* block = mapBlock();
  if (block == nullptr) return nullptr;
  g_blocks[count].store(block, std::memory_order_relaxed);
  g_block_count.store(count + 1, std::memory_order_release);
  return block;
}

// The block of threads that can have none of their own. Its increments are not exclusive and may
// lose a count; that beats not counting at all.
Cell* sharedBlock() {
  if (g_shared == nullptr) g_shared = newBlock();
  if (g_shared == nullptr) {
    if (g_block_count.load(std::memory_order_relaxed) == 0)
      std::abort();  // nothing was ever mapped
    g_shared = g_blocks[0].load(std::memory_order_relaxed);
  }
  return g_shared;
}

Cell* takeBlock() {
  std::lock_guard lock(g_mutex);
  if (g_free_count > 0) return g_free[--g_free_count];
  // The last place is kept for the shared block.
  if (g_block_count.load(std::memory_order_relaxed) + 1 < kMaxBlocks) {
    if (Cell* block = newBlock()) return block;
  }
  return sharedBlock();
}

void giveBlock(Cell* block) {
  std::lock_guard lock(g_mutex);
  if (block != g_shared) g_free[g_free_count++] = block;
}

// Gives a thread's block back when a thread that never made a StatThread ends.
struct Lease {
  Cell* block = nullptr;
  ~Lease() {
    if (block == nullptr) return;
    giveBlock(block);
    std::lock_guard lock(g_mutex);
    stats::t_cells = sharedBlock();  // for destructors that still count after this one
  }
};
thread_local Lease t_lease;

std::span<const std::atomic<Cell*>> blocks() {
  return {g_blocks.data(), g_block_count.load(std::memory_order_acquire)};
}

}  // namespace

StatThread::StatThread() {
  if (stats::t_cells != nullptr) return;
  block_ = takeBlock();
  stats::t_cells = block_;
}

StatThread::~StatThread() {
  if (block_ == nullptr) return;
  stats::t_cells = nullptr;
  giveBlock(block_);
}

uint32_t takeCells(uint32_t count) {
  uint32_t first = g_next_cell.load(std::memory_order_relaxed);
  do {
    if (count > kCellsPerBlock - first) return 0;
  } while (!g_next_cell.compare_exchange_weak(first, first + count, std::memory_order_relaxed));
  return first;
}

uint64_t sumCell(uint32_t cell) {
  uint64_t sum = 0;
  for (const auto& block : blocks()) {
    sum += block.load(std::memory_order_relaxed)[cell].load(std::memory_order_relaxed);
  }
  return sum;
}

void sumCells(uint32_t first, std::span<uint64_t> into) {
  for (const auto& block : blocks()) {
    const Cell* cell = block.load(std::memory_order_relaxed) + first;
    for (uint64_t& sum : into) sum += (cell++)->load(std::memory_order_relaxed);
  }
}

bool isTouched(uint32_t cell) {
  for (const auto& block : blocks()) {
    if (block.load(std::memory_order_relaxed)[cell].load(std::memory_order_relaxed) != 0)
      return true;
  }
  return false;
}

}  // namespace telemetry

constinit thread_local stats::Cell* stats::t_cells = nullptr;

stats::Cell* stats::attachShared() {
  telemetry::t_lease.block = telemetry::takeBlock();
  t_cells = telemetry::t_lease.block;
  return t_cells;
}

}  // namespace weir
